"""The contract of a step: from one part of a table to one file."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from lgsid import __version__
from lgsid.artefacts.hashes import text_hash
from lgsid.scale.task import Task


class Step(ABC):
    """Makes one file of the files that a task names, the same bytes every time, whoever runs it and in which order.

    A step travels to the worker that runs it: its constructor takes plain values and paths, and what is large (a text
    encoder, a tokenizer) is loaded by `open`, once in each worker.
    """

    ending: ClassVar[str] = ".parquet"

    @abstractmethod
    def describe(self) -> Mapping[str, Any]:
        """Return what determines the result beside the inputs, as plain values."""

    def open(self) -> None:  # noqa: B027
        """Load what the step needs, once in each worker."""

    @abstractmethod
    def make(self, task: Task, target: Path) -> Mapping[str, Any]:
        """Write the file of a task.

        Args:
            task: What is to be made.
            target: The file, not there yet.

        Returns:
            Plain values for the record of the part, `rows` among them.
        """

    def made_from(self, task: Task) -> str:
        """Return a hash of all that determines the file of a task."""
        kind = f"{type(self).__module__}.{type(self).__qualname__}"
        said = json.dumps([self.describe(), dict(task.settings)], sort_keys=True)
        return text_hash([kind, __version__, said, task.name, task.identity])
