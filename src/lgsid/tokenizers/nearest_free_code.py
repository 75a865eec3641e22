"""Unique semantic IDs with no extra token, by moving colliding items to free codes near by."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import groupby

import numpy as np
import numpy.typing as npt

from lgsid.errors import LgsidError
from lgsid.functional.capacity import place_at_least_cost
from lgsid.tokenizers.collision_strategy import CodeDistances, Codes, CollisionStrategy, Resolved

TOGETHER = 16_384

Rows = npt.NDArray[np.int64]


class NearestFreeCode(CollisionStrategy):
    """Give each item of a crowded prefix its own last code, at the smallest total distance.

    The items that share their first L - 1 codes, and of which some collide, are assigned to different codes of the
    last level so that the sum of their distances to these codes is smallest (an assignment problem for each such
    prefix). Prefixes without a collision stay as they are.

    Where more items share a prefix than there are codes below it, as few as possible spill to other codes of the
    prefix's own last level, again at the smallest total added distance; their later codes are chosen anew. This is
    decided from the first level to the last, so the semantic IDs are unique whenever the codebooks can hold the
    items at all.

    Source: our own, not of the paper (`docs/method.md`).
    """

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
        self.check(len(codes), codebook_sizes)
        codes = codes.copy()
        for level in range(len(codebook_sizes) - 1):
            spill(codes, codebook_sizes, distances, level)
        last = len(codebook_sizes) - 1
        one_each = np.ones(codebook_sizes[last], dtype=np.int64)
        for groups in batches(groups_with(codes[:, :last], shared_by(codes) > 1)):
            together = np.concatenate(groups)
            costs = np.split(distances(together, codes[together], last), np.cumsum([len(rows) for rows in groups])[:-1])
            for rows, cost in zip(groups, costs, strict=True):
                codes[rows, last] = place_at_least_cost(cost, one_each)
        return Resolved(codes, codebook_sizes)


def batches(groups: list[Rows]) -> Iterator[list[Rows]]:
    """Join groups until they hold about `TOGETHER` rows, so that distances are asked for in few calls."""
    ends = np.cumsum([len(rows) for rows in groups])
    for _, batch in groupby(zip(ends // TOGETHER, groups, strict=True), key=lambda pair: pair[0]):
        yield [rows for _, rows in batch]


def spill(codes: Codes, codebook_sizes: tuple[int, ...], distances: CodeDistances, level: int) -> None:
    """Change `codes: (N, L)` in place, so that no code of `level` holds more items than codes lie below it."""
    below = math.prod(codebook_sizes[level + 1 :])
    overfull = shared_by(codes[:, : level + 1]) > below
    for rows in groups_with(codes[:, :level], overfull):
        crowd = rows[overfull[rows]]
        current = codes[crowd, level]
        cost = distances(crowd, codes[crowd], level)
        added = cost - np.take_along_axis(cost, current[:, None], axis=1)
        elsewhere = np.arange(codebook_sizes[level]) != current[:, None]
        # leaving is so dear that as few as possible leave, whatever the distances
        added += elsewhere * (1.0 + 2.0 * len(crowd) * np.abs(added).max())
        held = np.bincount(codes[rows, level], minlength=codebook_sizes[level])
        overflow = np.maximum(held - below, 0).sum()
        room = np.where(held > below, below, np.minimum(below - held, overflow))
        placed = place_at_least_cost(added, room)
        moves = placed != current
        codes[crowd[moves], level] = placed[moves]
        for later in range(level + 1, len(codebook_sizes)):
            codes[crowd[moves], later] = distances(crowd[moves], codes[crowd[moves]], later).argmin(axis=1)


def number_groups(prefixes: Codes) -> Rows:
    """Number the distinct rows of `prefixes: (N, P)` in their sorted order, (N,); P may be 0."""
    if prefixes.shape[1] == 0:
        return np.zeros(len(prefixes), dtype=np.int64)
    return np.asarray(np.unique(prefixes, axis=0, return_inverse=True)[1].reshape(-1), dtype=np.int64)


def shared_by(prefixes: Codes) -> Rows:
    """Return how many items have the prefix of each item, (N,)."""
    groups = number_groups(prefixes)
    return np.asarray(np.bincount(groups)[groups], dtype=np.int64)


def groups_with(prefixes: Codes, wanted: npt.NDArray[np.bool_]) -> list[Rows]:
    """Return the rows (ascending) of each group of equal prefixes that holds a wanted item."""
    groups = number_groups(prefixes)
    visit = np.bincount(groups, weights=wanted) > 0
    rows = np.flatnonzero(visit[groups])
    rows = rows[np.argsort(groups[rows], kind="stable")]
    return np.split(rows, np.flatnonzero(np.diff(groups[rows])) + 1) if len(rows) else []
