"""The record of a finished part: written after its file, so that a part without one is made again."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lgsid.artefacts.files import atomic_path, write_json
from lgsid.scale.part_files import content_id
from lgsid.scale.step import Step
from lgsid.scale.task import Task

RECORDS = ".records"  # folder of the records, beside the parts


@dataclass(frozen=True)
class PartRecord:
    """What is known of a finished part.

    Args:
        name: Name of the part.
        made_from: Hash of all that determines it.
        content: What tells its content.
        size: Bytes.
        told: What the step told of it.
        seconds: Time that passed.
        cpu_seconds: CPU time of the process meanwhile.
        peak_mb: Largest memory of the process until then, in MiB.
    """

    name: str
    made_from: str
    content: str
    size: int
    told: Mapping[str, Any]
    seconds: float
    cpu_seconds: float
    peak_mb: float

    @classmethod
    def finished(cls, step: Step, task: Task, folder: Path) -> PartRecord | None:
        """Return the record of a part that is there, as it was recorded, and made from what the task says."""
        try:
            record = cls(**json.loads(record_path(folder, task.name).read_text(encoding="utf-8")))
            path = folder / f"{task.name}{step.ending}"
            there = path.stat().st_size == record.size and content_id(path) == record.content
        except (OSError, ValueError, TypeError):
            return None
        return record if there and record.made_from == step.made_from(task) else None

    @classmethod
    def made(cls, step: Step, task: Task, folder: Path) -> PartRecord:
        """Make the file of a task, and its record after it, each atomically."""
        start, cpu = time.monotonic(), time.process_time()
        path = folder / f"{task.name}{step.ending}"
        with atomic_path(path) as partial:
            told = dict(step.make(task, partial))
        record = cls(
            task.name,
            step.made_from(task),
            content_id(path),
            path.stat().st_size,
            told,
            round(time.monotonic() - start, 3),
            round(time.process_time() - cpu, 3),
            round(peak_mb(), 1),
        )
        write_json(record_path(folder, task.name), asdict(record))
        return record


def record_path(folder: Path, name: str) -> Path:
    """Return the file of a part's record."""
    return folder / RECORDS / f"{name}.json"


def peak_mb() -> float:
    """Return the largest memory that this process has had so far, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)
