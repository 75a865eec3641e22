"""What is known of places at the time of a check-in: where its user has been, and how often all users have."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lgsid.artefacts.check_in_log import CheckInLog

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


class PastPlaces:
    """The different places of each user's past, and the popularity of places as a model sees it.

    Args:
        log: M check-ins.
        n_items: Number of places N.
    """

    def __init__(self, log: CheckInLog, n_items: int) -> None:
        self._log, self._n = log, n_items
        self._count = log.item_counts(n_items, "train")
        firsts = log.by_user[log.is_new[log.by_user]]  # first visits, by user and then by time
        self._place = log.item[firsts]
        pair = self._pair(log.user[firsts], self._place)
        order = np.argsort(pair)
        self._pairs, self._first_row = pair[order], firsts[order]
        self._visitors = np.bincount(log.item[log.is_new & (log.split == "train")], minlength=n_items)
        seen = np.concatenate([[0], np.cumsum(log.is_new[log.by_user])])
        self._start = seen[log.place_in_user_order - log.n_before]
        self.n_distinct: IntArray = seen[log.place_in_user_order] - self._start
        """Shape (M,), the number of different places before each check-in."""
        training = np.flatnonzero(log.split == "train")
        self._visits = np.sort(self._pair(log.user[training], log.item[training]) * len(log) + training)
        self._last_row = np.full(int(log.user.max(initial=-1)) + 1, -1)
        self._last_row[log.user[training]] = training  # rows rise, and the last one stays

    def _pair(self, user: IntArray, item: IntArray) -> IntArray:
        return user * self._n + item

    def at(self, rows: IntArray, number: IntArray) -> IntArray:
        """Return the place that a user came to as the `number`-th different one, from 0 (B, T), shape (B, T)."""
        return np.asarray(self._place[self._start[rows][:, None] + number])

    def _first_visit(self, rows: IntArray, place: IntArray) -> IntArray:
        """Return the log row of the first visit of each row's user to places (B, T), -1 if there is none. (B, T)."""
        pair = self._pair(self._log.user[rows][:, None], place)
        found = np.searchsorted(self._pairs, pair).clip(max=len(self._pairs) - 1)
        return np.where(self._pairs[found] == pair, self._first_row[found], -1)

    def visited(self, rows: IntArray, place: IntArray) -> BoolArray:
        """Tell whether the user of each row (B,) had been to places (B, T) before, shape (B, T)."""
        first = self._first_visit(rows, place)
        return np.asarray((first >= 0) & (first < rows[:, None]))

    def popularity(self, rows: IntArray, place: IntArray) -> IntArray:
        """Count training check-ins at places (B, T), without those of the row's own user from the row on.

        As `lgsid.recommenders.own_future` counts for models. Shape (B, T).
        """
        count = self._count[place]
        some = np.flatnonzero(self._last_row[self._log.user[rows]] >= rows)
        key = self._pair(self._log.user[rows[some]][:, None], place[some]) * len(self._log)
        later = np.searchsorted(self._visits, key + len(self._log))
        later -= np.searchsorted(self._visits, key + rows[some][:, None])
        count[some] -= later
        return count

    def visitors(self, rows: IntArray, place: IntArray) -> IntArray:
        """Count the users with training check-ins at places (B, T), without the row's own if only from the row on."""
        first = self._first_visit(rows, place)
        own = (first >= rows[:, None]) & (self._log.split[first] == "train")
        return np.asarray(self._visitors[place] - own)
