"""A few faults of every kind; `make trial` runs hundreds."""

import pytest

from faults.desk import COMMANDS, Desk
from faults.disks import disks
from faults.flips import flips
from faults.kills import kills
from faults.pairs import pairs

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    return Desk(tmp_path_factory.mktemp("desk"))


@pytest.mark.parametrize(
    ("trial", "count"),
    [(kills, 15), (disks, 2 * len(COMMANDS)), (pairs, len(COMMANDS)), (flips, 16)],
    ids=["kills", "full disks", "two at once", "flipped bits"],
)
def test_nothing_is_lost_and_nothing_wrong_accepted(desk, trial, count):
    outcomes = list(trial(desk, 11, count))
    assert len(outcomes) >= count
    assert not [outcome for outcome in outcomes if not outcome.is_good]
