"""Counts of parts that add up to those of the whole, and what follows of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from lgsid.functional.sids import group_rows

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Histogram = Mapping[str, int]  # size of a group, as JSON has it -> how many groups have it
KM_BINS = np.geomspace(1e-3, 20_100, 4_097)  # edges in km, 0.4 % apart; the first bin has all below, too


def size_histogram(rows: Ints) -> dict[str, int]:
    """Return how many groups of equal rows have each size, of `rows: (N, C)`."""
    if not len(rows):
        return {}
    sizes = np.bincount(np.bincount(group_rows(torch.from_numpy(np.ascontiguousarray(rows))).numpy()))
    return {str(size): int(sizes[size]) for size in np.flatnonzero(sizes) if size}


def added(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return the sums of counts by key."""
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part)
    return dict(total)


def arrays(histogram: Histogram) -> tuple[Ints, Ints]:
    """Return the sizes in their order, and how many groups have each, (S,) each."""
    sizes = np.array(sorted(map(int, histogram)), np.int64)
    return sizes, np.array([histogram[str(size)] for size in sizes], np.int64)


def histogram_entropy_bits(histogram: Histogram) -> float:
    """Return the entropy in bits of groups of these sizes."""
    sizes, counts = arrays(histogram)
    total = float((sizes * counts).sum())
    if not total:
        return 0.0
    share = sizes / total
    return float(-(counts * share * np.log2(share)).sum().clip(max=0.0)) + 0.0


def items_in(histogram: Histogram) -> int:
    """Return the number of items in all groups."""
    sizes, counts = arrays(histogram)
    return int((sizes * counts).sum())


def collisions_of(histogram: Histogram) -> dict[str, Any]:
    """Return what a card says of groups of equal semantic IDs, from their sizes."""
    sizes, counts = arrays(histogram)
    items, shared = int((sizes * counts).sum()), sizes > 1
    return {
        "colliding_items": int((sizes * counts)[shared].sum()),
        "colliding_groups": int(counts[shared].sum()),
        "collision_rate": float((sizes * counts)[shared].sum() / items),
        "distinct_share": float(counts.sum() / items),
        "largest_bucket": int(sizes.max()),
    }


def km_histogram(km: Floats) -> dict[str, int]:
    """Return how many distances (P,) each bin of `KM_BINS` holds."""
    counts = np.bincount(np.clip(np.searchsorted(KM_BINS, km, side="right") - 1, 0, len(KM_BINS) - 2))
    return {str(bin_): int(counts[bin_]) for bin_ in np.flatnonzero(counts)}


def km_quantiles(weights: Floats, shares: Mapping[str, float]) -> dict[str, float]:
    """Return quantiles in km of distances with `weights: (bins,)`, within the width of a bin."""
    ends = np.cumsum(weights) / weights.sum()
    bins = np.searchsorted(ends, list(shares.values())).clip(max=len(weights) - 1)
    return {name: float(np.sqrt(KM_BINS[at] * KM_BINS[at + 1])) for name, at in zip(shares, bins, strict=True)}
