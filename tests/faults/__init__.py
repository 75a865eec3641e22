"""Faults: kills, full disks, two commands at once, flipped bits."""

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from faults.desk import Desk
from faults.disks import disks
from faults.flips import flips
from faults.kills import kills
from faults.pairs import pairs
from trial.outcome import Family, Outcome

Trial = Callable[[Desk, int, int], Iterator[Outcome]]


def at_a_desk(trial: Trial, usual: int, seed: int, count: int | None) -> Iterator[Outcome]:
    """Try faults in a temporary folder, the usual number of them if no other is asked for."""
    with tempfile.TemporaryDirectory(prefix="lgsid-faults-") as root:
        yield from trial(Desk(Path(root)), seed, usual if count is None else count)


FAMILIES: dict[str, Family] = {
    "kills": partial(at_a_desk, kills, 200),
    "full disks": partial(at_a_desk, disks, 50),
    "two at once": partial(at_a_desk, pairs, 50),
    "flipped bits": partial(at_a_desk, flips, 200),
}
