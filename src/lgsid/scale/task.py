"""A task: one part of a result, and what it is made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lgsid.scale.part_files import content_id, part_files


@dataclass(frozen=True)
class Task:
    """What one call of a step makes.

    Args:
        name: Name of the part, and of its file without the ending.
        inputs: Files that are read.
        identity: What tells the contents of the inputs.
        settings: What else the step has to know of this part.
    """

    name: str
    inputs: tuple[str, ...]
    identity: str
    settings: Mapping[str, int] = field(default_factory=dict)

    @property
    def source(self) -> Path:
        """The first of the inputs, the only one of most tasks."""
        return Path(self.inputs[0])


def tasks_of(folder: str | Path) -> list[Task]:
    """Return a task for each part of a table."""
    return [Task(path.stem, (str(path),), content_id(path)) for path in part_files(folder)]


def names(count: int, stem: str = "part") -> Sequence[str]:
    """Return names of parts that sort by their number."""
    return [f"{stem}-{number:05d}" for number in range(count)]
