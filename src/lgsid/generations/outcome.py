"""What came of an update."""

from __future__ import annotations

from dataclasses import dataclass

from lgsid.generations.change import Change
from lgsid.generations.generation import Generation


@dataclass(frozen=True)
class Outcome:
    """What came of an update.

    Args:
        before: The generation that was current, none if it is the first one.
        change: What the update makes of it.
        written: The new generation, none where nothing changed or nothing was to be written.
    """

    before: Generation | None
    change: Change
    written: Generation | None
