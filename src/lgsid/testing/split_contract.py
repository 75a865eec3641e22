"""Contract tests of splits, to inherit in the tests of other packages."""

from __future__ import annotations

from abc import abstractmethod
from functools import cache

import numpy as np
import pandas as pd

from lgsid.datasets.splits import NOWHERE, Split
from lgsid.testing.part_contract import PartContract
from lgsid.testing.toy_city import toy_source

NAMES = ("train", "val", "test")


@cache
def toy_log() -> pd.DataFrame:
    """Return the check-ins of a toy city in the order of time."""
    log = toy_source(n_items=60, n_users=12, n_checkins=400).read().interactions
    return log.sort_values("time", kind="stable").reset_index(drop=True)


class SplitContract(PartContract):
    """Contract tests of a split.

    Derive a class whose name starts with `Test` and give it `make`; override `interactions` if it reads more columns.
    """

    base = Split
    ordered = True
    """Whether no check-in of a user is trained on that comes after one of the same user's test."""

    @abstractmethod
    def make(self) -> Split:
        """Return a new split."""

    def interactions(self) -> pd.DataFrame:
        """Return a log in the order of time: `user_id`, `item_id` (str), `time` (UTC timestamp), one row a check-in."""
        return toy_log().copy(deep=True)

    def test_every_check_in_has_a_split(self) -> None:
        """One of train, val, test, or nowhere, for each row: shape (M,), texts."""
        log = self.interactions()
        found = self.make().assign(log)
        assert found.shape == (len(log),)
        assert set(found) <= {*NAMES, NOWHERE}

    def test_something_is_trained_on_and_something_tested(self) -> None:
        """Neither is empty, but of a split that has no parts."""
        split = self.make()
        found = split.assign(self.interactions())
        assert {"train", "test"} & set(split.parts) <= set(found)
        assert set(split.parts) or set(found) == {NOWHERE}

    def test_nobody_is_trained_on_their_own_future(self) -> None:
        """Training check-ins of a user are not later than the first test check-in of the same user."""
        log = self.interactions()
        found = self.make().assign(log)
        if not self.ordered:
            return
        row = pd.Series(np.arange(len(log)))
        last = row[found == "train"].groupby(log["user_id"][found == "train"]).max()
        first = row[found == "test"].groupby(log["user_id"][found == "test"]).min()
        both = last.index.intersection(first.index)
        assert (last[both] < first[both]).all()

    def test_it_is_deterministic_and_leaves_the_log_alone(self) -> None:
        """Twice the same, by this object and by another of the same arguments; the table is not changed."""
        log, split = self.interactions(), self.make()
        before = log.copy(deep=True)
        found = split.assign(log)
        pd.testing.assert_frame_equal(log, before)
        for other in (split, self.make()):
            assert np.array_equal(other.assign(self.interactions()), found)

    def test_the_names_of_users_and_places_do_not_matter(self) -> None:
        """Under other ids in the same order, every check-in is where it was."""
        log = self.interactions()
        renamed = log.assign(user_id="u" + log["user_id"].astype(str), item_id="i" + log["item_id"].astype(str))
        found, other = (self.make().assign(table) for table in (log, renamed))
        if not self.by_id:
            assert np.array_equal(found, other)

    by_id = False
    """Whether it draws by a hash of ids, so that other ids have other splits."""

    def test_the_protocol_is_known(self) -> None:
        """`task` is a protocol of docs/evaluation.md; in leave_one_out a user has at most one query."""
        split, log = self.make(), self.interactions()
        assert split.task in ("temporal", "leave_one_out")
        if split.task == "leave_one_out":
            tested = log["user_id"][split.assign(log) == "test"]
            assert tested.is_unique
