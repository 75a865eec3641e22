"""What one run of the trial came to. Every family of runs yields these; the table counts them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

GOOD = ("refused", "read right", "nothing lost")
BAD = (
    *("traceback", "hang", "silent error", "many lines", "leftovers", "wrongly refused", "executed"),
    *("lost", "wrong accepted"),
)
Verdict = Literal[
    "refused",  # exit code 2, one line, nothing half-written
    "read right",  # exit code 0, and the result is the one that the case knows
    "nothing lost",  # after the fault all that was complete is there, and running again ends in the right result
    "traceback",  # an exception came through, or the process died
    "hang",  # no answer within the time limit
    "silent error",  # accepted what must be refused, or read it wrong
    "many lines",  # refused, but not in one line, or the line does not name the place
    "leftovers",  # refused, but something half-written stays
    "wrongly refused",  # a good input was refused
    "executed",  # an input ran code, or something was written outside the folder
    "lost",  # what was complete before the fault is gone
    "wrong accepted",  # damage, or a mixture of two runs, was taken for a result
]


@dataclass(frozen=True)
class Outcome:
    """One run.

    Args:
        family: The row of the table that it counts in, such as "place tables" or "kills".
        case: Name of the run inside the family; with the seed it says how to repeat it.
        verdict: What it came to.
        detail: What was seen; for verdicts in `BAD` enough to look for the cause.
        digest: Hash of the input, so that the table counts distinct inputs; empty for faults.
    """

    family: str
    case: str
    verdict: Verdict
    detail: str = ""
    digest: str = ""

    @property
    def is_good(self) -> bool:
        """Tell whether the run came to what it should."""
        return self.verdict in GOOD


Family = Callable[[int, int | None], Iterator[Outcome]]
"""A family of runs: `family(seed, count)` runs `count` of its cases, all if `None`, and yields what they came to."""
