"""The log of a dataset as arrays, with each user's past at hand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from lgsid.artefacts.dataset import Dataset

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class CheckInLog:
    """All check-ins in the order of time, M rows; a row is the identity of a query.

    Args:
        user: Shape (M,), positions in `Dataset.user_ids`.
        item: Shape (M,), item rows.
        time_s: Shape (M,), float64 seconds since 1970 UTC.
        hour: Shape (M,), float32 local hour.
        weekday: Shape (M,), 0 is Monday.
        split: Shape (M,), "train", "val" or "test".
    """

    user: IntArray
    item: IntArray
    time_s: npt.NDArray[np.float64]
    hour: npt.NDArray[np.float32]
    weekday: IntArray
    split: npt.NDArray[np.str_]

    @classmethod
    def of(cls, dataset: Dataset) -> CheckInLog:
        """Return the log of a dataset."""
        frame = dataset.interactions.frame
        time = frame["time"].dt.tz_localize(None) if frame["time"].dt.tz is not None else frame["time"]
        return cls(
            user=dataset.user_rows,
            item=dataset.item_rows,
            time_s=time.to_numpy("datetime64[us]").astype(np.int64).astype(np.float64) / 1e6,
            hour=frame["hour"].to_numpy(np.float32),
            weekday=frame["weekday"].to_numpy(np.int64),
            split=frame["split"].astype(object).to_numpy(dtype=object).astype(np.str_),
        )

    def __len__(self) -> int:
        return len(self.user)

    @cached_property
    def by_user(self) -> IntArray:
        """All rows, ordered by user and then by time, shape (M,)."""
        return np.argsort(self.user, kind="stable").astype(np.int64)

    @cached_property
    def place_in_user_order(self) -> IntArray:
        """Position of each row in `by_user`, shape (M,)."""
        place = np.empty(len(self), dtype=np.int64)
        place[self.by_user] = np.arange(len(self))
        return place

    @cached_property
    def begin_of_user(self) -> IntArray:
        """Where the check-ins of each user begin in `by_user`, and where the last ones end, shape (U + 1,)."""
        return begins(self.user)

    def of_user(self, user: int) -> IntArray:
        """Return the rows of a user's check-ins in the order of time, shape (T,)."""
        return self.by_user[self.begin_of_user[user] : self.begin_of_user[user + 1]]

    @cached_property
    def n_before(self) -> IntArray:
        """How many earlier check-ins the same user has, shape (M,)."""
        return np.asarray(self.place_in_user_order - self.begin_of_user[self.user], dtype=np.int64)

    @cached_property
    def is_new(self) -> npt.NDArray[np.bool_]:
        """Whether the user had never been to the place before, shape (M,)."""
        pair = self.user * (int(self.item.max(initial=0)) + 1) + self.item
        new = np.zeros(len(self), dtype=bool)
        new[np.unique(pair, return_index=True)[1]] = True  # the first occurrence, since rows are in the order of time
        return new

    def at_new_places(self, split: str) -> IntArray:
        """Return the rows of a split at a place new to its user, who has been somewhere before, shape (Q,)."""
        return np.flatnonzero((self.split == split) & self.is_new & (self.n_before > 0)).astype(np.int64)

    def history(self, rows: IntArray, limit: int | None = None) -> IntArray:
        """Return the rows before each query of the same user, oldest first, right-aligned.

        Args:
            rows: Shape (B,), rows of the log.
            limit: Longest history; the most recent are kept. Without it all are.

        Returns:
            Shape (B, T), rows of the log, -1 is padding; T is the longest history here, at least 1.
        """
        n_before = self.n_before[rows]
        longest = int(n_before.max(initial=1))
        width = max(1, longest if limit is None else min(longest, limit))
        back = np.arange(width, 0, -1)
        places = self.place_in_user_order[rows][:, None] - back
        return np.where(back <= n_before[:, None], self.by_user[places.clip(min=0)], -1)

    @cached_property
    def _training_order(self) -> tuple[IntArray, IntArray, IntArray]:
        """Training rows ordered by user and time; how many of them come before each row; where each user's end."""
        training = self.split[self.by_user] == "train"
        before = np.empty(len(self), dtype=np.int64)
        before[self.by_user] = np.cumsum(training) - training
        ordered = self.by_user[training]
        n_users = int(self.user.max(initial=-1)) + 1
        return ordered, before, np.searchsorted(self.user[ordered], np.arange(n_users), side="right")

    def later_training(self, rows: IntArray) -> IntArray:
        """Return the training rows of the same user from each query on, the query's own first if it is one.

        Counts of the training split hold them too, but at the time of the query nobody knows them.

        Args:
            rows: Shape (B,), rows of the log.

        Returns:
            Shape (B, F), rows of the log, -1 is padding; F is the most of any query, 0 for queries after the training.
        """
        ordered, before, end = self._training_order
        first, last = before[rows], end[self.user[rows]]
        place = first[:, None] + np.arange(int((last - first).max(initial=0)))
        return np.where(place < last[:, None], ordered[place.clip(max=max(len(ordered) - 1, 0))], -1)

    @cached_property
    def steps(self) -> tuple[IntArray, IntArray]:
        """Pairs of rows: each check-in that is not its user's first (second), and the one just before it (first)."""
        first, second = self.by_user[:-1], self.by_user[1:]
        same = self.user[first] == self.user[second]
        return first[same], second[same]

    @cached_property
    def _steps_by_item(self) -> tuple[IntArray, IntArray]:
        """The second rows of `steps`, ordered by the item of the first; where those of each item begin, and the end."""
        first, second = self.steps
        item = self.item[first]
        return second[np.argsort(item, kind="stable")], begins(item)

    def steps_from(self, item: int) -> IntArray:
        """Return the rows of check-ins whose user came straight from an item, shape (S,)."""
        second, begin = self._steps_by_item
        return second[begin[item] : begin[item + 1]] if item + 1 < len(begin) else second[:0]

    def next_new_places(self, *splits: str) -> tuple[IntArray, IntArray]:
        """Return from where to where users went when the next place was new to them.

        Args:
            *splits: Splits that both check-ins belong to.

        Returns:
            Item rows of the check-ins' places, and of the next place of the same user: another place, where this user
            had never been before, shape (V,) each; one entry for each such visit.
        """
        order = self.by_user[np.isin(self.split[self.by_user], splits)]
        first, second = order[:-1], order[1:]
        kept = (self.user[first] == self.user[second]) & self.is_new[second]
        return self.item[first[kept]], self.item[second[kept]]

    def item_counts(self, n_items: int, *splits: str) -> IntArray:
        """Count the check-ins per item in the named splits, shape (N,)."""
        return np.bincount(self.item[np.isin(self.split, splits)], minlength=n_items).astype(np.int64)

    def is_cold(self, n_items: int) -> npt.NDArray[np.bool_]:
        """Mark the items without any check-in before the test, shape (N,)."""
        return np.asarray(self.item_counts(n_items, "train", "val") == 0)

    def visited(self, rows: IntArray, n_items: int) -> npt.NDArray[np.bool_]:
        """Mark the places where each query's user had been before it, shape (B, N)."""
        history = self.history(rows)
        marks = np.zeros((len(rows), n_items), dtype=bool)
        query, _ = np.nonzero(history >= 0)
        marks[query, self.item[history[history >= 0]]] = True
        return marks


def begins(number: IntArray) -> IntArray:
    """Return where the entries of each number begin in an array ordered by it, and where the last ones end.

    Args:
        number: Shape (M,), 0 or more, in any order.

    Returns:
        Shape (K + 1,), K - 1 is the largest number.
    """
    return np.concatenate([[0], np.cumsum(np.bincount(number))]).astype(np.int64)
