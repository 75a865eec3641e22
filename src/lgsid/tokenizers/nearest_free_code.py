"""Unique semantic IDs with no extra token, by moving colliding items to free codes near by."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import groupby

import numpy as np
import numpy.typing as npt
import torch

from lgsid.errors import LgsidError
from lgsid.functional.capacity import ENTRIES, Costs, Floats, Rows, place_at_least_cost
from lgsid.functional.sids import group_rows
from lgsid.tokenizers.collision_strategy import CodeDistances, Codes, CollisionStrategy, Resolved, of_first_codes


class NearestFreeCode(CollisionStrategy):
    """Give each item of a crowded prefix its own last code, at the smallest total distance.

    The items that share their first L - 1 codes, and of which some collide, are assigned to different codes of the
    last level so that the sum of their distances to these codes is smallest (an assignment problem for each such
    prefix). Prefixes without a collision stay as they are.

    Where more items share a prefix than there are codes below it, as few as possible spill to other codes of the
    prefix's own last level, again at the smallest total added distance; their later codes are chosen anew. This is
    decided from the first level to the last, so the semantic IDs are unique whenever the codebooks can hold the
    items at all.

    Each of these assignments is optimal up to about 600 items (items squared times free semantic IDs at most 2^28);
    larger ones are by auction, whose time and memory grow with the number of items and whose total distance was at
    most 0.1 % above the optimum where codes hold several items each, and 4 % where single items fill every code.
    Items at equal distances get codes in the order of their ids.

    Source: our own, not of the paper (`docs/method.md`).
    """

    by_first_code = True

    def check(self, n_items: int, codebook_sizes: tuple[int, ...]) -> None:
        """Raise an LgsidError if there are more items than semantic IDs."""
        capacity = math.prod(codebook_sizes)
        if n_items > capacity:
            raise LgsidError(
                f"NearestFreeCode: {n_items} items cannot have different semantic IDs, codebooks"
                f" {'x'.join(map(str, codebook_sizes))} hold {capacity}; give a level more codes or add a level,"
                " or use CounterSuffix"
            )

    def resolve(self, codes: Codes, codebook_sizes: tuple[int, ...], distances: CodeDistances) -> Resolved:
        """Return unique codes of the same shape, (N, L)."""
        return self.extend(codes, codebook_sizes, distances, codes[:0])

    def extend(self, codes: Codes, codebook_sizes: tuple[int, ...], distances: CodeDistances, taken: Codes) -> Resolved:
        """Return codes for new items that are unique, also beside those taken, (N, L).

        The new items of a prefix, of which some collide with each other or with what is taken, are assigned to the
        codes that are free below it; where the new ones do not fit below a prefix any more, as few as possible spill.
        """
        self.check(len(codes) + len(taken), codebook_sizes)
        codes = codes.copy()
        for level in range(len(codebook_sizes) - 1):
            spill(codes, codebook_sizes, distances, level, taken)
            taken = of_first_codes(codes, taken)  # the first codes of the new items are settled
        last = len(codebook_sizes) - 1
        crowded = groups_with(codes[:, :last], shared_by(codes) + taken_by(codes, taken) > 1)
        below = TakenCodes(codes, taken, last, codebook_sizes[last])
        for groups in batches(crowded, codebook_sizes[last]):
            costs = last_costs(groups, codes, distances)
            for rows, cost in zip(groups, costs, strict=True):
                codes[rows, last] = place_at_least_cost(cost, len(rows), (1 - below.held(rows[0])).clip(0))
        return Resolved(codes, codebook_sizes)

    def crowded(self, held: Rows, codebook_sizes: tuple[int, ...]) -> npt.NDArray[np.bool_]:
        """Tell which first codes hold more items than codes lie below them, of `held: (K,)` items each, (K,)."""
        return np.asarray(held > math.prod(codebook_sizes[1:]))

    def spread(self, codes: Codes, held: Rows, codebook_sizes: tuple[int, ...], distances: CodeDistances) -> Codes:
        """Return the codes of items of crowded first codes after as few as possible have left these, (C, L)."""
        codes = codes.copy()
        free = np.full_like(held, math.prod(codebook_sizes[1:]))
        relieve(codes, np.arange(len(codes)), held, free, codebook_sizes, distances, 0)
        return codes


class TakenCodes:
    """How often each code of a level is taken, below the prefix of each new item.

    Args:
        codes: (N, L) of the new items.
        taken: (M, L).
        level: The level, from 0.
        size: Its number of codes, K.
    """

    def __init__(self, codes: Codes, taken: Codes, level: int, size: int) -> None:
        self.size = size
        groups = number_groups(np.concatenate([codes, taken])[:, :level])
        self.group, others = groups[: len(codes)], groups[len(codes) :]
        order = np.argsort(others, kind="stable")
        self.codes = taken[order, level]
        self.bounds = np.searchsorted(others[order], np.arange(int(groups.max(initial=-1)) + 2))

    def held(self, row: int) -> Rows:
        """Return how often each code is taken below the prefix of the new item at `row`, (K,)."""
        start, end = self.bounds[self.group[row]], self.bounds[self.group[row] + 1]
        return np.bincount(self.codes[start:end], minlength=self.size)


def batches(groups: list[Rows], n_codes: int) -> Iterator[list[Rows]]:
    """Join groups until their distances to `n_codes` codes fill a chunk, so that these are asked for in few calls.

    A group that fills more than one chunk is alone.
    """
    sizes = np.array([len(rows) for rows in groups], dtype=np.int64) * n_codes
    chunks = np.where(sizes > ENTRIES, -1 - np.arange(len(groups)), np.cumsum(sizes) // ENTRIES)
    for _, batch in groupby(zip(chunks, groups, strict=True), key=lambda pair: pair[0]):
        yield [rows for _, rows in batch]


def last_costs(groups: list[Rows], codes: Codes, distances: CodeDistances) -> list[Costs]:
    """Return the distances of each group to the codes of the last level: of one on demand, of several at hand."""
    last = codes.shape[1] - 1
    if len(groups) == 1:
        return [lambda some: distances(groups[0][some], codes[groups[0][some]], last)]
    together = np.concatenate(groups)
    cost = distances(together, codes[together], last)
    return [part.__getitem__ for part in np.split(cost, np.cumsum([len(rows) for rows in groups])[:-1])]


def spill(codes: Codes, codebook_sizes: tuple[int, ...], distances: CodeDistances, level: int, taken: Codes) -> None:
    """Change `codes: (N, L)` in place, so that no code of `level` holds more items than codes lie free below it."""
    below = math.prod(codebook_sizes[level + 1 :])
    prefixes = codes[:, : level + 1]
    overfull = shared_by(prefixes) > np.maximum(below - taken_by(prefixes, taken[:, : level + 1]), 0)
    if not overfull.any():
        return
    of_taken = TakenCodes(codes, taken, level, codebook_sizes[level])
    for rows in groups_with(codes[:, :level], overfull):
        held = np.bincount(codes[rows, level], minlength=codebook_sizes[level])
        free = np.maximum(below - of_taken.held(rows[0]), 0)
        relieve(codes, rows[overfull[rows]], held, free, codebook_sizes, distances, level)


def relieve(
    codes: Codes,
    crowd: Rows,
    held: Rows,
    free: Rows,
    codebook_sizes: tuple[int, ...],
    distances: CodeDistances,
    level: int,
) -> None:
    """Change `codes: (N, L)` in place: of one prefix, let as few of a crowd as possible go to other codes of `level`.

    Args:
        codes: Codes of the crowd, and of any others.
        crowd: Rows of the items whose code of `level` holds more items than codes lie free below it.
        held: Items of the prefix with each code of `level`, (K,).
        free: How many items each code of `level` can hold, (K,).
        codebook_sizes: Length L.
        distances: See `CollisionStrategy.resolve`.
        level: Counted from 0.
    """
    overflow = int(np.maximum(held - free, 0).sum())
    room = np.where(held > free, free, np.minimum(free - held, overflow))
    costs = moving_costs(crowd, codes, held > free, distances, level)
    placed = place_at_least_cost(costs, len(crowd), room)
    moved = crowd[placed != codes[crowd, level]]
    codes[crowd, level] = placed
    for later in range(level + 1, len(codebook_sizes)):
        for some in np.array_split(moved, 1 + len(moved) * codebook_sizes[later] // ENTRIES):
            codes[some, later] = distances(some, codes[some], later).argmin(axis=1)


def moving_costs(crowd: Rows, codes: Codes, full: npt.NDArray[np.bool_], distances: CodeDistances, level: int) -> Costs:
    """Return what it costs an item of `crowd` to have another code of `level`: nothing to stay where it is.

    Leaving costs the added distance and a constant, so that as few as possible leave. No item moves to a code that is
    `full: (K,)`, from which another would have to leave in its place.
    """

    def added(some: Rows) -> Floats:
        at = crowd[some]
        cost = distances(at, codes[at], level)
        return np.asarray(cost - np.take_along_axis(cost, codes[at, level, None], axis=1))

    parts = np.array_split(np.arange(len(crowd)), 1 + len(crowd) * len(full) // ENTRIES)
    leaving = max(float(np.abs(added(some)).max()) for some in parts) or 1.0

    def costs(some: Rows) -> Floats:
        cost = added(some) + leaving
        cost[:, full] = np.inf
        np.put_along_axis(cost, codes[crowd[some], level, None], 0.0, axis=1)
        return cost

    return costs


def number_groups(prefixes: Codes) -> Rows:
    """Number the distinct rows of `prefixes: (N, P)` in their sorted order, (N,); P may be 0."""
    return np.asarray(group_rows(torch.from_numpy(prefixes)).numpy(), dtype=np.int64)


def shared_by(prefixes: Codes) -> Rows:
    """Return how many items have the prefix of each item, (N,)."""
    groups = number_groups(prefixes)
    return np.asarray(np.bincount(groups)[groups], dtype=np.int64)


def taken_by(prefixes: Codes, taken: Codes) -> Rows:
    """Return how many of `taken: (M, P)` are the same as each of `prefixes: (N, P)`, (N,)."""
    taken = of_first_codes(prefixes, taken)
    groups = number_groups(np.concatenate([prefixes, taken]))
    counts = np.bincount(groups[len(prefixes) :], minlength=int(groups.max(initial=-1)) + 1)
    return np.asarray(counts[groups[: len(prefixes)]], dtype=np.int64)


def groups_with(prefixes: Codes, wanted: npt.NDArray[np.bool_]) -> list[Rows]:
    """Return the rows (ascending) of each group of equal prefixes that holds a wanted item."""
    groups = number_groups(prefixes)
    visit = np.bincount(groups, weights=wanted) > 0
    rows = np.flatnonzero(visit[groups])
    rows = rows[np.argsort(groups[rows], kind="stable")]
    return np.split(rows, np.flatnonzero(np.diff(groups[rows])) + 1) if len(rows) else []
