"""Run a step over all parts of a table: those that are there already stay, the others are made."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lgsid.artefacts.locks import LOCK_FILE, locked
from lgsid.scale.executor import Executor
from lgsid.scale.part_record import RECORDS, PartRecord, record_path
from lgsid.scale.step import Step
from lgsid.scale.task import Task


def run_parts(step: Step, tasks: Sequence[Task], folder: str | Path, executor: Executor) -> list[PartRecord]:
    """Make a file for each task in a folder, except for those that a run before has left there complete.

    One process at a time works in the folder. Files of tasks that there are no more, and what a killed process left
    half written, are removed.

    Args:
        step: What makes a file.
        tasks: What is to be made; their names differ.
        folder: Where.
        executor: Who runs the tasks.

    Returns:
        The records, in the order of the tasks.

    Raises:
        LgsidError: if a task fails, or another process works in the folder.
    """
    folder = Path(folder)
    with locked(folder / LOCK_FILE, folder):
        clean(folder, {task.name for task in tasks}, step.ending)
        done = {task.name: PartRecord.finished(step, task, folder) for task in tasks}
        left = [task for task in tasks if done[task.name] is None]
        for record in executor.run(step, left, folder):
            done[record.name] = record
    return [record for record in done.values() if record is not None]


def clean(folder: Path, names: set[str], ending: str) -> None:
    """Remove parts of other names with their records, and half written files."""
    stale = [path for path in folder.glob(f"*{ending}") if path.stem not in names and not path.name.startswith(".")]
    for path in (*folder.glob(".*.partial"), *(folder / RECORDS).glob(".*.partial")):
        path.unlink(missing_ok=True)
    for path in stale:
        if record_path(folder, path.stem).exists():  # only what a run has made
            path.unlink()
            record_path(folder, path.stem).unlink()
