"""The contract of an executor: who runs the tasks of a step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path

from lgsid.scale.part_record import PartRecord
from lgsid.scale.step import Step
from lgsid.scale.task import Task


class Executor(ABC):
    """Runs a step on tasks. Which executor runs them is not seen in the files."""

    @abstractmethod
    def run(self, step: Step, tasks: Sequence[Task], folder: Path) -> Iterator[PartRecord]:
        """Make the parts of all tasks in a folder; yields their records as they are done, in any order."""
