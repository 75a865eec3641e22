"""Capacity-constrained assignment at minimum total cost."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

MAX_EXACT = 20_000_000


def place_at_least_cost(
    cost: npt.NDArray[np.float64], room: npt.NDArray[np.int64], max_exact: int = MAX_EXACT
) -> npt.NDArray[np.int64]:
    """Assign every row to one column, at minimum total cost, without exceeding the capacity of any column.

    Exact by the assignment problem with each column repeated as often as it has room. Where that matrix would
    have more than `max_exact` entries, by deferred acceptance instead: rows ask for their cheapest column, and a
    full column keeps the rows that would lose most by leaving; good, not optimal.

    Args:
        cost: (n, K), finite.
        room: (K,), with a sum of at least n.
        max_exact: Maximum number of matrix entries for an exact solution.

    Returns:
        (n,) int64 columns. Equal costs are settled by the order of the rows.

    Raises:
        ValueError: if there is less room than rows.
    """
    n = len(cost)
    room = np.minimum(room, n)
    if room.sum() < n:
        raise ValueError(f"{n} rows do not fit into room for {int(room.sum())}")
    if n * int(room.sum()) <= max_exact:
        slots = np.repeat(np.arange(len(room)), room)
        rows, chosen = linear_sum_assignment(cost[:, slots])
        placed = np.empty(n, dtype=np.int64)
        placed[rows] = slots[chosen]
        return placed
    return place_by_rounds(cost, room)


def place_by_rounds(cost: npt.NDArray[np.float64], room: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Give every row a column by rounds: all unplaced rows ask, each column admits those with most to lose."""
    n = len(cost)
    room = room.copy()
    placed = np.full(n, -1, dtype=np.int64)
    open_cost = np.where(room > 0, cost, np.inf)
    while (waiting := np.flatnonzero(placed < 0)).size:
        offers = open_cost[waiting]
        wish = offers.argmin(axis=1)
        best = offers[np.arange(len(waiting)), wish]
        offers[np.arange(len(waiting)), wish] = np.inf
        second = offers.min(axis=1)
        regret = np.where(np.isfinite(second), second - best, np.inf)  # what refusing the wish would cost
        order = np.lexsort((waiting, -regret, wish))
        counts = np.bincount(wish, minlength=len(room))
        place = np.arange(len(order)) - (np.cumsum(counts) - counts)[wish[order]]
        admitted = order[place < room[wish[order]]]
        placed[waiting[admitted]] = wish[admitted]
        room -= np.bincount(wish[admitted], minlength=len(room))
        open_cost[:, room == 0] = np.inf
    return placed
