"""The preparation log: what happened to which rows while a dataset was made."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class LogEntry:
    """One entry of the preparation log: what happened to how many rows, and why.

    Args:
        action: "read", "made", "dropped", "set" (a value was filled in) or "noticed" (worth a look, nothing
            was changed).
        what: Kind of rows: "check-ins", "places", "names".
        count: Number of rows.
        why: File that they were read from, or the reason.
    """

    action: str
    what: str
    count: int
    why: str

    def to_dict(self) -> dict[str, Any]:
        """Return the entry as plain values."""
        return asdict(self)
