"""One line of the report on how a dataset was read."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Note:
    """Say what happened to how many rows, and why.

    Args:
        action: "read", "dropped" or "set": whether rows came in, left, or got a value.
        what: The rows meant ("check-ins", "places", "names").
        count: How many.
        why: The file they were read from, or the reason.
    """

    action: str
    what: str
    count: int
    why: str

    def to_dict(self) -> dict[str, Any]:
        """Return the note as plain values."""
        return asdict(self)
