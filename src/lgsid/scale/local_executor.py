"""One task after the other, in this process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from lgsid.scale.executor import Executor
from lgsid.scale.part_record import PartRecord
from lgsid.scale.step import Step
from lgsid.scale.task import Task


class LocalExecutor(Executor):
    """Run tasks one after the other in this process; needs nothing installed beyond lgsid."""

    def run(self, step: Step, tasks: Sequence[Task], folder: Path) -> Iterator[PartRecord]:
        """Make the parts of all tasks, in their order."""
        if tasks:
            step.open()
        for task in tasks:
            yield PartRecord.made(step, task, folder)
