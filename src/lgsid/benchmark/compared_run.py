"""One of two runs that are compared: its stages, what they were run with, and what they measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lgsid.artefacts.files import read_json
from lgsid.artefacts.names import DATASET_FILE, PER_QUERY_FILE, PER_SAMPLE_FILE, PROVENANCE_FILE, of_part
from lgsid.config.merging import ARGUMENTS, CLASS, short_name
from lgsid.errors import LgsidError
from lgsid.report.stage_results import StageResults

OWN = "$RUN"
CODE = ("lgsid", "commit", "dirty", "seed", "device", "threads", "versions", "plugins")
EVERY_PART = "*"


@dataclass(frozen=True)
class ComparedRun:
    """A run of a pipeline, or one training.

    Args:
        folder: Its folder.
        stages: Name -> results of the stage; a training is one stage, by the name of its folder.
    """

    folder: Path
    stages: Mapping[str, StageResults]

    @classmethod
    def read(cls, folder: str | Path) -> ComparedRun:
        """Read the folder of a run.

        Raises:
            LgsidError: if there is none, or it holds no result of a run.
        """
        folder = Path(folder)
        if not folder.is_dir():
            raise LgsidError(f"{folder}: no such run; name the folder of one, such as runs/demo")
        if (folder / PROVENANCE_FILE).is_file():
            return cls(folder, {folder.name: StageResults.read(folder.name, folder)})
        found = sorted(path.parent for path in folder.glob(f"*/{PROVENANCE_FILE}") if not path.parent.suffix)
        if not found:
            raise LgsidError(f"{folder}: not a run; no {PROVENANCE_FILE} of `lgsid run` or `lgsid fit` is in it")
        return cls(folder, {path.name: StageResults.read(path.name, path) for path in found})

    @property
    def is_one_stage(self) -> bool:
        """Whether it is one training, or one stage of a pipeline."""
        return set(self.stages) == {self.folder.name} and (self.folder / PROVENANCE_FILE).is_file()

    @cached_property
    def datasets(self) -> dict[str, str]:
        """Data hash -> what messages call the data: name and split where they are recorded."""
        found = {str(stage.provenance.get("data_hash", "")): "" for stage in self.stages.values()}
        for stage in self.stages.values():
            if stage.has(DATASET_FILE):
                report = read_json(stage.folder / DATASET_FILE)
                found[str(report.get("data_hash", ""))] = (
                    f"{report.get('name', '?')}, split {report.get('split', '?')}, "
                )
        return {value: f"{words}data hash {value[:8]}" for value, words in found.items() if value}

    def data_folder(self) -> Path | None:
        """Return the folder of the prepared dataset, where the run or the folder beside the stage has it."""
        beside = sorted(self.folder.parent.glob(f"*/{DATASET_FILE}")) if self.is_one_stage else []
        inside = [stage.folder for stage in self.stages.values() if stage.has(DATASET_FILE)]
        for folder in (*inside, *(path.parent for path in beside)):
            if str(read_json(folder / DATASET_FILE).get("data_hash", "")) in self.datasets:
                return folder
        return None

    def settings(self, stage: str) -> dict[str, Any]:
        """Return dotted key -> value of all that a stage was run with, paths of the run as `$RUN/...`."""
        record = self.stages[stage].provenance
        configs = dict(record.get("config") or {})
        by_command = (
            [value for value in configs.values() if isinstance(value, Mapping)] if "stage" in record else [configs]
        )
        found: dict[str, Any] = {}
        for settings in by_command:
            found |= dict(leaves(settings, (), (self.home, stage)))
        return found

    def code(self, stage: str) -> dict[str, Any]:
        """Return dotted key -> value of the code, versions and machine that ran a stage."""
        record = self.stages[stage].provenance
        return dict(leaves({key: record[key] for key in CODE if key in record}, (), (self.home, stage)))

    @property
    def home(self) -> str:
        """Name of the folder that holds the stages."""
        folder = self.folder.resolve()
        return folder.parent.name if self.is_one_stage else folder.name

    def scores(self, stage: str) -> dict[tuple[str, str], Path]:
        """Return the files with a result for each user: task and model -> file; the model is empty for the only one."""
        found: dict[tuple[str, str], Path] = {}
        for task, file in (("ranking", PER_QUERY_FILE), ("clicks", PER_SAMPLE_FILE)):
            stem = of_part(file, EVERY_PART).partition(EVERY_PART)[0]
            for path in sorted(self.stages[stage].folder.glob(f"{Path(file).stem}*{Path(file).suffix}")):
                found[task, "" if path.name == file else path.stem.removeprefix(stem)] = path
        return found


def leaves(value: Any, above: tuple[str, ...], home: tuple[str, str]) -> Iterator[tuple[str, Any]]:
    """Yield dotted keys and the values at the ends of nested settings, classes by short name, without `init_args`.

    Args:
        value: The settings.
        above: The keys that lead to them.
        home: Names of the folder of the run and of the stage, which paths are told from.
    """
    if isinstance(value, Mapping) and value:
        if CLASS in value:
            yield ".".join(above), short_name(value[CLASS])
        for key, inner in value.items():
            if key == ARGUMENTS:
                yield from leaves(inner, above, home) if inner else ()
            elif key != CLASS:
                yield from leaves(inner, (*above, str(key)), home)
    elif isinstance(value, (list, tuple)) and any(isinstance(inner, Mapping) for inner in value):
        for number, inner in enumerate(value):
            yield from leaves(inner, (*above, str(number)), home)
    elif isinstance(value, str) and home[0] in (parts := Path(value.replace(".partial", "")).parts):
        inside = parts[parts.index(home[0]) + 1 :]
        yield ".".join(above), "/".join((OWN, *("$STAGE" if part == home[1] else part for part in inside)))
    else:
        yield ".".join(above), value
