"""The contract of a verb of the pipeline."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lgsid.errors import LgsidError
from lgsid.pipeline.stage import Stage
from lgsid.plugins import suggestion

if TYPE_CHECKING:
    from lgsid.pipeline.pipeline import Pipeline


@dataclass(frozen=True)
class Job:
    """One stage about to run.

    Args:
        pipeline: The recipe.
        stage: The stage.
        folder: Empty folder that the results go to. It gets its final name when the stage is complete.
        options: Options of the stage, with paths in the place of references.
    """

    pipeline: Pipeline
    stage: Stage
    folder: Path
    options: Mapping[str, Any]


class Verb(ABC):
    """Something that a stage can do. Stateless.

    A verb whose `required` and `optional` are `None` takes any option (they are keys of a config); the others take
    exactly those, as arguments. The result of one that is not `seeded` is the same for every seed.
    """

    required: tuple[str, ...] | None = None
    optional: tuple[str, ...] = ()
    needs_config: bool = True
    reads_everything: bool = False
    seeded: bool = True

    @property
    @abstractmethod
    def code(self) -> tuple[str, ...]:
        """Names `module:function` of what runs; when that code, or what it imports, changes, the stage runs again."""

    @abstractmethod
    def run(self, job: Job) -> Mapping[str, Any]:
        """Write the results to `job.folder` and return the resolved config, for the record."""

    def inputs(self, configs: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> list[Path]:
        """Return the files outside the run folder that the verb reads, as far as the configs tell."""
        return []

    def check(self, stage: Stage, where: str) -> None:
        """Refuse a stage that this verb could not run.

        Raises:
            LgsidError: if the config is missing, or an option is unknown or missing.
        """
        if self.needs_config and not stage.configs:
            raise LgsidError(f"{where}: config is missing; name the YAML file that {stage.verbs[0]!r} reads")
        if self.required is None:
            return
        if stage.configs:
            raise LgsidError(f"{where}: {stage.verbs[0]!r} reads no config; give its arguments in `set`")
        known = (*self.required, *self.optional)
        for key in stage.options:
            if key not in known:
                raise LgsidError(f"{where}: unknown key {key!r} in set; {suggestion(key, known)}")
        for key in self.required:
            if key not in stage.options:
                raise LgsidError(f"{where}: set lacks {key!r}")
