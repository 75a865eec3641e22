"""Run the stages of a pipeline: skip what is up to date, resume what broke off, never leave half a result."""

from __future__ import annotations

import contextlib
import copy
import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from lgsid.artefacts.files import read_json, write_json
from lgsid.artefacts.hashes import current_hash, text_hash
from lgsid.artefacts.locks import LOCK_FILE, NOTE_SUFFIX, locked
from lgsid.artefacts.names import DATASET_FILE, LOG_FOLDER, PROVENANCE_FILE, STAGE_FILE
from lgsid.artefacts.stage_record import StageRecord
from lgsid.config.config_files import read_config, strings
from lgsid.errors import LgsidError
from lgsid.pipeline.code_version import code_version
from lgsid.pipeline.pipeline import Pipeline
from lgsid.pipeline.provenance import Meter, provenance
from lgsid.pipeline.run_folder import (
    check_folders,
    copy_result,
    mark_run,
    new_partial,
    recover,
    replace_folder,
)
from lgsid.pipeline.stage import Stage
from lgsid.pipeline.stage_commands import commands_of, outside_inputs, run_commands
from lgsid.plugins import suggestion

UNSTABLE = {PROVENANCE_FILE, STAGE_FILE}  # seconds and memory differ from run to run
NOT_RESULTS = {*UNSTABLE, LOCK_FILE, f"{LOCK_FILE}{NOTE_SUFFIX}"}

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class State:
    """Whether a stage has to run.

    Args:
        stage: The stage.
        reason: Why it runs, empty if it is up to date.
        parts: What its result depends on: hashes of "config", "inputs" and "code".
        source: Folder of the run without overrides that holds the same result, to be copied instead of running.
        moved: The record with the times that the files have now, where they are not as recorded, as after a copy.
    """

    stage: Stage
    reason: str
    parts: Mapping[str, str]
    source: Path | None = None
    moved: StageRecord | None = None

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
        verify: Read every file of a result to see whether it is as its stage left it, even if size and time are.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        force: Collection[str] = (),
        only: Collection[str] = (),
        tell: Callable[[str], None] = logger.info,
        verify: bool = False,
    ) -> None:
        for name in (*force, *only):
            if name not in pipeline.stages:
                raise LgsidError(f"no stage {name!r} in {pipeline.source}; {suggestion(name, pipeline.stages)}")
        self.pipeline, self.force, self.only, self.tell = pipeline, set(force), set(only), tell
        self.verify = verify
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
        with locked(self.pipeline.run_folder / LOCK_FILE, self.pipeline.run_folder):
            mark_run(self.pipeline.run_folder, {"pipeline": self.pipeline.name})
            for stage in self.pipeline.stages.values():
                recover(self.pipeline.folder(stage.name))
            chosen = list(self.chosen())
            for number, stage in enumerate(chosen, start=1):
                state = self.state(stage)
                label = f"[{number}/{len(chosen)}] {stage.name}"
                if not state.reason:
                    keep_times(state)
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
            self.check_needed(stage, name)
        parts = self.parts(stage)
        folder = self.pipeline.folder(stage.name)
        if not (folder / STAGE_FILE).is_file():
            return State(stage, "not yet run", parts, self.same_result(stage, parts))
        if stage.name in self.force:
            return State(stage, "forced", parts)
        record = StageRecord.read(folder)
        if record is None:
            return State(stage, f"{STAGE_FILE} is damaged or of an earlier version", parts)
        found = record.confirmed(self.verify)
        if isinstance(found, str):
            return State(stage, f"damaged: {found}", parts)
        changed = [key for key, value in parts.items() if record.parts.get(key) != value]
        reason = f"{', '.join(changed)} changed" if changed else ""
        return State(stage, reason, parts, moved=None if found == record else found)

    def check_needed(self, stage: Stage, name: str) -> None:
        """Refuse to run a stage on a result that is not there, or not as its stage left it.

        Raises:
            LgsidError: naming the stage that has to run before.
        """
        record = StageRecord.read(self.pipeline.folder(name))
        found = "" if record is None else record.confirmed(self.verify and bool(self.only) and name not in self.only)
        if record is None or isinstance(found, str):
            why = f"whose result is damaged ({found})" if found else "which has not run"
            raise LgsidError(f"stage {stage.name} needs stage {name}, {why}; leave out --only")

    def same_result(self, stage: Stage, parts: Mapping[str, str]) -> Path | None:
        """Return the folder in the run without overrides whose result was made from the same, `None` without one."""
        if self.pipeline.variant_of is None or stage.name in self.force:
            return None
        record = StageRecord.read(self.pipeline.variant_of / stage.name)
        if record is None or record.parts != parts or isinstance(record.confirmed(self.verify), str):
            return None
        return record.folder

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
        inputs = [f"${name}/{path} {result_hash(self.pipeline.folder(name), path)}" for name, path in sorted(inside)]
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
        files = [*result_files(partial), partial / PROVENANCE_FILE]
        write_json(partial / STAGE_FILE, StageRecord.of(partial, stage.name, state.parts, files).to_dict())
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
    found = (path for path in folder.rglob("*") if path.is_file() and path.name not in NOT_RESULTS)
    return sorted(path for path in found if path.relative_to(folder).parts[0] != LOG_FOLDER)


def content_hash(path: Path, hash_of: Callable[[Path], str] = current_hash) -> str:
    """Hash a file, or the files of a folder with their names.

    Args:
        path: The file or folder.
        hash_of: Returns the hash of a file.
    """
    if path.is_file():
        return hash_of(path)
    if not path.is_dir():
        return "missing"
    return text_hash(part for p in result_files(path) for part in (str(p.relative_to(path)), hash_of(p)))


def result_hash(folder: Path, path: str) -> str:
    """Hash a file of a result, or all of them, as `content_hash` does; what is as its stage left it is not read."""
    record = StageRecord.read(folder)
    return content_hash(folder / path, current_hash if record is None else record.hash_of)


def keep_times(state: State) -> None:
    """Record the times that the files of a result have now, so that the next look need not read them."""
    if state.moved is not None:
        with contextlib.suppress(OSError):  # a result that can only be read is read again
            write_json(state.moved.folder / STAGE_FILE, state.moved.to_dict())


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
