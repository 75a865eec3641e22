"""What a table of the leaderboard shows."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Column:
    """One metric.

    Args:
        key: Name of the metric inside a slice.
        title: Heading.
        help: What it is, in one sentence.
        higher: Whether more is better; `None` if neither is.
        digits: Decimals to show.
    """

    key: str
    title: str
    help: str
    higher: bool | None = True
    digits: int = 3

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Slice:
    """One part of the queries or items.

    Args:
        key: What stands before a metric's name, empty for all.
        title: Heading.
        help: What it is, in one sentence.
    """

    key: str
    title: str
    help: str

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)
