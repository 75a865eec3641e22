"""Capacity-constrained assignment at minimum total cost: exact where it is small, by auction above."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

MAX_EXACT = 2**28  # rows^2 x places: 640 rows on 640 columns, 0.05 s
SHORTLIST = 16  # columns that a row of an auction keeps in view
TOLERANCE = 0.01  # bid increment, as a share of the mean spread of a shortlist
PATIENCE = 1_000  # rounds after which the increment doubles
TIE_BREAK = 1e-6  # largest cost that settles ties, as a share of the spread of the costs
ENTRIES = 2**21  # entries of the cost matrix held at once, 16 MB
FORCED = 1e100  # bid of a row that can go nowhere else

Rows = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Costs = Callable[[Rows], Floats]


def place_at_least_cost(costs: Costs, n_rows: int, room: Rows, max_exact: int = MAX_EXACT) -> Rows:
    """Assign every row to one column, at minimum total cost, without exceeding the capacity of any column.

    Exact by the assignment problem, with each column repeated as often as it has room, where its size (rows squared
    times places) is at most `max_exact`; else by `auction`. Of rows with equal costs the first gets the first column:
    ties, also those that rounding blurs, are settled by a cost of at most `TIE_BREAK` of the spread of the costs.

    Args:
        costs: `costs(rows: (m,)) -> (m, K)`; infinite where a row must not go.
        n_rows: n.
        room: (K,), with a sum of at least n.
        max_exact: Maximum size of an exact solution.

    Returns:
        (n,) int64 columns.

    Raises:
        ValueError: if there is less room than rows.
    """
    room = np.minimum(room, n_rows)
    if room.sum() < n_rows:
        raise ValueError(f"{n_rows} rows do not fit into room for {int(room.sum())}")
    if n_rows**2 * int(room.sum()) > max_exact:
        return auction(costs, n_rows, room)
    rows = np.arange(n_rows)
    cost = costs(rows)
    finite = cost[np.isfinite(cost)]
    cost = cost - tie_break(float(np.ptp(finite)), cost.shape) * np.outer(rows, np.arange(len(room)))
    slots = np.repeat(np.arange(len(room)), room)
    return np.asarray(slots[linear_sum_assignment(cost[:, slots])[1]], dtype=np.int64)


def tie_break(spread: float, shape: tuple[int, ...]) -> float:
    """Return the weight of `row * column` in the costs: by the rearrangement inequality, equal rows are in order."""
    return TIE_BREAK * spread / (shape[0] * shape[1])


def auction(costs: Costs, n_rows: int, room: Rows) -> Rows:
    """Assign rows to columns by auction: all waiting rows bid at once, each column keeps its highest bids.

    A row bids for its cheapest column, at the price that would make its second cheapest as good, plus an increment. The
    price of a column is the lowest bid that it holds, and 0 while it has room. So every row is within the increment
    of its cheapest column at the final prices, and the total within n times the last increment of the optimum. The
    increment starts at `TOLERANCE` of the mean spread of a row's `SHORTLIST` cheapest columns, and doubles every
    `PATIENCE` rounds, so that the number of rounds grows with the logarithm of the spread. Memory is linear in n.

    Source: Bertsekas and Castanon, "The auction algorithm for the transportation problem", Annals of Operations
    Research 20 (1989).

    Args:
        costs: `costs(rows: (m,)) -> (m, K)`; infinite where a row must not go.
        n_rows: n.
        room: (K,), not greater than n, with a sum of at least n.

    Returns:
        (n,) int64 columns. Equal bids are settled by the order of the rows.

    Raises:
        ValueError: if every assignment has an infinite cost.
    """
    if n_rows * len(room) <= ENTRIES:
        costs = costs(np.arange(n_rows)).__getitem__
    price = np.where(room > 0, 0.0, np.inf)
    lists = Shortlists(costs, n_rows, price)
    placed, bids = np.full(n_rows, -1), np.zeros(n_rows)
    waiting, increment, rounds = np.arange(n_rows), TOLERANCE * lists.spread, 0
    while len(waiting):
        rounds += 1
        if rounds % PATIENCE == 0:
            increment *= 2
            if increment > FORCED:
                raise ValueError("every assignment has an infinite cost")
        wish, gap = lists.cheapest(waiting, price)
        bids[waiting], placed[waiting] = price[wish] + gap + increment, wish
        contested = np.zeros(len(room) + 1, dtype=bool)  # the last one is that of rows without a column
        contested[wish] = True
        rivals = np.flatnonzero(contested[placed])
        rivals = rivals[np.lexsort((rivals, -bids[rivals], placed[rivals]))]
        counts = np.bincount(placed[rivals], minlength=len(room))
        starts = np.cumsum(counts) - counts
        outbid = rivals[np.arange(len(rivals)) - starts[placed[rivals]] >= room[placed[rivals]]]
        full = np.flatnonzero((counts >= room) & (counts > 0))
        price[full] = bids[rivals[starts[full] + room[full] - 1]]
        placed[outbid] = -1
        waiting = np.sort(outbid)
    return placed


class Shortlists:
    """The cheapest columns of each row, renewed when prices have risen above what else there may be.

    Args:
        costs: See `auction`.
        n_rows: n.
        price: (K,), the first prices; infinite for a column without room.
    """

    def __init__(self, costs: Costs, n_rows: int, price: Floats) -> None:
        self.compute = costs
        self.width = min(SHORTLIST, len(price))
        self.columns = np.empty((n_rows, self.width), dtype=np.int32)
        self.costs = np.empty((n_rows, self.width))
        self.bound = np.full(n_rows, np.inf)  # no column outside the list was cheaper
        self.tie_break = 0.0
        self.renew(np.arange(n_rows), price)
        listed = np.sort(self.costs, axis=1)
        farthest = np.where(np.isfinite(listed), listed, -np.inf).max(axis=1)
        # the second is where a row goes that must leave its first
        self.spread = float((farthest - listed[:, min(1, self.width - 1)]).clip(0).mean())
        self.spread = self.spread or float((farthest - listed[:, 0]).mean()) or 1.0
        self.tie_break = tie_break(self.spread, (n_rows, len(price)))
        self.costs -= self.tie_break * np.arange(n_rows)[:, None] * self.columns

    def renew(self, rows: Rows, price: Floats) -> None:
        """Choose the cheapest columns of `rows` at the present prices."""
        chunk = max(1, ENTRIES // len(price))
        for start in range(0, len(rows), chunk):
            some = rows[start : start + chunk]
            cost = self.compute(some)
            total = cost + price
            if self.width < len(price):
                chosen = np.sort(np.argpartition(total, self.width - 1, axis=1)[:, : self.width], axis=1)
                self.bound[some] = np.take_along_axis(total, chosen, axis=1).max(axis=1)
            else:
                chosen = np.broadcast_to(np.arange(self.width), total.shape)
            self.columns[some] = chosen
            self.costs[some] = np.take_along_axis(cost, chosen, axis=1) - self.tie_break * some[:, None] * chosen

    def cheapest(self, rows: Rows, price: Floats) -> tuple[Rows, Floats]:
        """Return the cheapest column of each row at these prices, and how much dearer the second is, `(m,)` each."""
        total, second = self._at(rows, price)
        stale = second > self.bound[rows]
        if stale.any():
            self.renew(rows[stale], price)
            total, second = self._at(rows, price)
        best = total.argmin(axis=1)
        gap = second - np.take_along_axis(total, best[:, None], axis=1)[:, 0]
        wish = np.take_along_axis(self.columns[rows], best[:, None], axis=1)[:, 0]
        return wish.astype(np.int64), np.where(np.isfinite(gap), gap, FORCED)

    def _at(self, rows: Rows, price: Floats) -> tuple[Floats, Floats]:
        total = self.costs[rows] + price[self.columns[rows]]
        return total, np.partition(total, 1, axis=1)[:, 1] if self.width > 1 else np.full(len(rows), np.inf)
