"""Run the stages of a pipeline: skip what is up to date, resume what broke off, never leave half a result."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from lgsid.artefacts.files import file_hash, read_json, text_hash, write_json
from lgsid.artefacts.names import DATASET_FILE, LOG_FOLDER, PROVENANCE_FILE, STAGE_FILE
from lgsid.config.config_files import read_config, strings
from lgsid.errors import LgsidError
from lgsid.pipeline.code_version import code_version
from lgsid.pipeline.pipeline import Pipeline
from lgsid.pipeline.provenance import Meter, provenance
from lgsid.pipeline.run_folder import (
    check_folders,
    copy_result,
    locked,
    mark_run,
    new_partial,
    recover,
    replace_folder,
)
from lgsid.pipeline.stage import Stage
from lgsid.pipeline.stage_commands import commands_of, outside_inputs, run_commands
from lgsid.plugins import suggestion

UNSTABLE = {PROVENANCE_FILE, STAGE_FILE}  # seconds and memory differ from run to run

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class State:
    """Whether a stage has to run.

    Args:
        stage: The stage.
        reason: Why it runs, empty if it is up to date.
        parts: What its result depends on: hashes of "config", "inputs" and "code".
        source: Folder of the run without overrides that holds the same result, to be copied instead of running.
    """

    stage: Stage
    reason: str
    parts: Mapping[str, str]
    source: Path | None = None

    def __str__(self) -> str:
        """Say what would be done."""
        if not self.reason:
            return "up to date"
        return f"would run, {self.reason}" if self.source is None else f"the same in {self.source.parent}"


class Runner:
    """Runs one pipeline in its folder.

    A stage works in `<stage>.partial`, which gets its name when it is complete; a result that is replaced is kept until
    then. So after a kill at any moment each folder is a complete result or none, and the next run carries on. Folders
    that no run made are never touched.

    Args:
        pipeline: The recipe.
        force: Stages to run even if they are up to date.
        only: Stages to run, all if empty; the others must have a result already if these need it.
        tell: Called with one line per stage.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        force: Collection[str] = (),
        only: Collection[str] = (),
        tell: Callable[[str], None] = logger.info,
    ) -> None:
        for name in (*force, *only):
            if name not in pipeline.stages:
                raise LgsidError(f"no stage {name!r} in {pipeline.source}; {suggestion(name, pipeline.stages)}")
        self.pipeline, self.force, self.only, self.tell = pipeline, set(force), set(only), tell
        self.told = False

    def plan(self) -> list[State]:
        """Return every chosen stage with the reason why it would run.

        A stage that follows one that runs may be found up to date after all, if that one gives the same result again.
        """
        self.check()
        planner = copy.copy(self)  # it looks for results that would be copied where they are now
        states: list[State] = []
        stale: set[str] = set()
        for stage in self.chosen():
            waiting = [name for name in stage.needs if name in stale]
            state = State(stage, f"after {', '.join(waiting)}", {}) if waiting else planner.state(stage)
            if state.source is not None:
                places = {**planner.pipeline.places, stage.name: state.source}
                planner.pipeline = replace(planner.pipeline, places=places)
            elif state.reason:
                stale.add(stage.name)
            states.append(state)
        return states

    def run(self) -> None:
        """Run what is not up to date.

        Raises:
            LgsidError: if another run works in the same folder, the folder holds files that no run made, or a stage
                fails on bad input.
        """
        self.check()
        with locked(self.pipeline.run_folder):
            mark_run(self.pipeline.run_folder, {"pipeline": self.pipeline.name})
            for stage in self.pipeline.stages.values():
                recover(self.pipeline.folder(stage.name))
            chosen = list(self.chosen())
            for number, stage in enumerate(chosen, start=1):
                state = self.state(stage)
                label = f"[{number}/{len(chosen)}] {stage.name}"
                if not state.reason:
                    self.tell(f"{label}: up to date")
                    continue
                if state.source is not None and copy_result(state.source, self.pipeline.folder(stage.name)):
                    self.tell(f"{label}: the same in {state.source.parent}, copied")
                    continue
                self.tell(f"{label}: {state.reason}")
                try:
                    seconds = self.run_stage(state)
                except KeyboardInterrupt:
                    raise KeyboardInterrupt(
                        f"the stages before {stage.name} are kept in {self.pipeline.run_folder}; run again to go on"
                    ) from None
                self.tell(f"{label}: done in {seconds:.0f} s")

    def check(self) -> None:
        """Refuse to run where files of others would be touched, before anything is; else tell where it runs.

        Raises:
            LgsidError: naming the folder or the file.
        """
        folders = [self.pipeline.folder(name) for name in self.pipeline.stages]
        configs = [path for stage in self.pipeline.stages.values() for path in stage.configs]
        check_folders(self.pipeline.run_folder, folders, [self.pipeline.source, *configs])
        if not self.told:
            self.tell(f"run folder: {self.pipeline.run_folder}")
            self.told = True

    def chosen(self) -> Iterator[Stage]:
        """Yield the stages to look at, in order."""
        return (stage for name, stage in self.pipeline.stages.items() if not self.only or name in self.only)

    def state(self, stage: Stage) -> State:
        """Compare what a stage's result was made from with what it would be made from now.

        Raises:
            LgsidError: if a stage that it needs has no result.
        """
        for name in stage.needs:
            if not (self.pipeline.folder(name) / STAGE_FILE).is_file():
                raise LgsidError(f"stage {stage.name} needs stage {name}, which has not run; leave out --only")
        parts = self.parts(stage)
        path = self.pipeline.folder(stage.name) / STAGE_FILE
        if not path.is_file():
            return State(stage, "not yet run", parts, self.same_result(stage, parts))
        if stage.name in self.force:
            return State(stage, "forced", parts)
        before = dict(read_json(path))
        lost = lost_files(self.pipeline.folder(stage.name), before.get("files", {}))
        if lost:
            return State(stage, f"{lost[0]} is missing or changed", parts)
        changed = [key for key, value in parts.items() if before.get(key) != value]
        return State(stage, f"{', '.join(changed)} changed" if changed else "", parts)

    def same_result(self, stage: Stage, parts: Mapping[str, str]) -> Path | None:
        """Return the folder in the run without overrides whose result was made from the same, `None` without one."""
        if self.pipeline.variant_of is None or stage.name in self.force:
            return None
        folder = self.pipeline.variant_of / stage.name
        if not (folder / STAGE_FILE).is_file():
            return None
        record = dict(read_json(folder / STAGE_FILE))
        same = all(record.get(key) == value for key, value in parts.items())
        return folder if same and not lost_files(folder, record.get("files", {})) else None

    def parts(self, stage: Stage) -> dict[str, str]:
        """Hash what the result of a stage depends on. Where the run folder lies does not count."""
        configs = [read_config(path) for path in stage.configs]
        commands = commands_of(stage)
        texts = [*strings(configs), *strings(dict(stage.options))]
        settings = [repr(configs), repr(dict(stage.options)), repr(stage.commands), repr(self.pipeline.seed_of(stage))]
        inside = set(stage.references())
        if any(command.reads_everything for command in commands):
            inside |= {(name, "") for name in stage.needs}
        outside = {text for text in texts if is_input(text)}
        outside |= outside_inputs(self.pipeline, stage)
        inputs = [f"${name}/{path} {content_hash(self.pipeline.folder(name) / path)}" for name, path in sorted(inside)]
        inputs += [f"{Path(path).name} {content_hash(Path(path))}" for path in sorted(outside)]
        return {
            "config": text_hash(settings),
            "inputs": text_hash(inputs),
            "code": code_version([root for command in commands for root in command.code], texts),
        }

    def run_stage(self, state: State) -> float:
        """Run a stage in a fresh folder and put it in its place; return the seconds it took."""
        stage, final = state.stage, self.pipeline.folder(state.stage.name)
        partial = new_partial(final)
        meter = Meter()
        seed_all(self.pipeline.seed)
        configs = run_commands(self.pipeline, stage, partial)
        record = provenance(meter, configs, self.pipeline.seed_of(stage), self.data_hash(stage))
        write_json(partial / PROVENANCE_FILE, {"stage": stage.name, "pipeline": self.pipeline.name, **record})
        files = {str(path.relative_to(partial)): path.stat().st_size for path in result_files(partial)}
        write_json(partial / STAGE_FILE, {**state.parts, "files": files})
        replace_folder(partial, final)
        return float(record["seconds"])

    def data_hash(self, stage: Stage) -> str:
        """Return the hash of the dataset that a stage reads, empty if it reads none."""
        for name in stage.needs:
            path = self.pipeline.folder(name) / DATASET_FILE
            if path.is_file():
                return str(read_json(path).get("data_hash", ""))
        return ""


def result_files(folder: Path) -> list[Path]:
    """Return the files of a result, sorted. Logs, and records of time and memory, are none."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.name not in UNSTABLE)
    return sorted(path for path in found if path.relative_to(folder).parts[0] != LOG_FOLDER)


def lost_files(folder: Path, sizes: Mapping[str, int]) -> list[str]:
    """Return those files of a complete result that are gone, or have another size than when it was complete."""
    paths = {name: folder / name for name in sizes}
    return [name for name, path in paths.items() if not path.is_file() or path.stat().st_size != sizes[name]]


def content_hash(path: Path) -> str:
    """Hash a file, or the files of a folder with their names."""
    if path.is_file():
        return file_hash(path)
    if not path.is_dir():
        return "missing"
    return text_hash(part for p in result_files(path) for part in (str(p.relative_to(path)), file_hash(p)))


def is_input(text: str) -> bool:
    """Tell whether a text of a config is the path of a file or folder; one around the working directory is not."""
    try:
        path = Path(text)
        return "/" in text and path.exists() and not Path.cwd().is_relative_to(path.resolve())
    except OSError:  # too long for a file name
        return False


def seed_all(seed: int) -> None:
    """Seed Python, NumPy and torch, so that a stage does not depend on those before it in the same process."""
    import lightning as L

    L.seed_everything(seed, workers=True, verbose=False)
