"""Semantic IDs as arrays of codes: packing, grouping, and statistics of the quality card (docs/evaluation.md)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lgsid.functional.distances import haversine_m

MAX_PACKED = 2**63 - 1
TAIL = 12.0  # standard deviations: what lies beyond is below the precision of float64


def pack_codes(codes: Tensor, codebook_sizes: Sequence[int]) -> Tensor:
    """Turn each row of codes into one number that sorts as the row does, `(..., L)` -> `(...,)` int64.

    Raises:
        ValueError: if the codebooks span more than 2^63 combinations.
    """
    if math.prod(codebook_sizes) > MAX_PACKED:
        raise ValueError(f"codebooks {tuple(codebook_sizes)} span more than 2^63 semantic IDs, too many for int64")
    packed = torch.zeros(codes.shape[:-1], dtype=torch.int64, device=codes.device)
    for level, size in enumerate(codebook_sizes):
        packed = packed * size + codes[..., level]
    return packed


def unpack_codes(packed: Tensor, codebook_sizes: Sequence[int]) -> Tensor:
    """Undo `pack_codes`, `(...,)` -> `(..., L)` int64."""
    levels = []
    for size in reversed(codebook_sizes):
        levels.append(packed % size)
        packed = packed // size
    return torch.stack(levels[::-1], dim=-1)


def group_rows(codes: Tensor) -> Tensor:
    """Number the distinct rows of `codes: (N, L)` in their sorted order, `(N,)` int64."""
    groups = torch.zeros(len(codes), dtype=torch.int64, device=codes.device)
    for column in codes.T if len(codes) else ():  # two small numbers in one sort faster than rows do
        column = column - column.min()
        if int(column.max()) >= MAX_PACKED // len(codes):
            column = torch.unique(column, return_inverse=True)[1]
        groups = torch.unique(groups * (column.max() + 1) + column, return_inverse=True)[1]
    return groups


def collision_rate(codes: Tensor) -> float:
    """Return the share of items whose full row of codes another item has, of `codes: (N, L)`."""
    groups = group_rows(codes)
    return float((groups.bincount()[groups] > 1).double().mean())


def largest_bucket(codes: Tensor) -> int:
    """Return how many items share the most crowded row of codes."""
    return int(group_rows(codes).bincount().max())


def distinct_share(codes: Tensor) -> float:
    """Return the number of distinct rows of codes over the number of items."""
    return int(group_rows(codes).max() + 1) / len(codes)


def entropy_bits(labels: Tensor) -> float:
    """Return the entropy in bits of how often each label occurs, `labels: (N,)` int64, not negative."""
    counts = labels.bincount().double()
    share = counts[counts > 0] / counts.sum()
    return float(-(share * share.log2()).sum().clamp_max(0.0)) + 0.0


def normalized_mutual_information(groups: Tensor, labels: Tensor) -> float:
    """Return the mutual information of two labelings, over the mean of their entropies; 1 if both have one value.

    Args:
        groups: (N,) int64, not negative.
        labels: (N,) int64, not negative.
    """
    own, other = entropy_bits(groups), entropy_bits(labels)
    if own == other == 0.0:
        return 1.0
    shared = own + other - entropy_bits(group_rows(torch.stack([groups, labels], dim=1)))
    return min(max(2.0 * shared / (own + other), 0.0), 1.0)


def adjusted_for_chance(value: float, chance: float) -> float:
    """Return how far a share is above chance: 0 at chance, 1 at one, and 0 where chance leaves no room.

    Of a normalized mutual information and that of randomly permuted groups it is the adjusted mutual information (Vinh,
    Epps and Bailey, JMLR 2010), with one permutation in place of the expectation over all.
    """
    return (value - chance) / (1.0 - chance) if chance < 1.0 else 0.0


def share_together(groups: Tensor, first: Tensor, second: Tensor) -> tuple[float, float]:
    """Return the share of pairs of items of one group, and what random groups of the same sizes are expected to have.

    Args:
        groups: (N,) int64 labels from 0, of at least two items.
        first: (P,) rows of the first item of each pair, at least one.
        second: (P,) rows of the second item, never the first one.
    """
    counts = groups.bincount().double()
    chance = (counts * (counts - 1)).sum() / (len(groups) * (len(groups) - 1))
    return float((groups[first] == groups[second]).double().mean()), float(chance)


def within_group_pairs(groups: Tensor, max_pairs: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """List the pairs of items of one group, or an even random sample of them where there are more than `max_pairs`.

    Args:
        groups: (N,) int64 labels from 0.
        max_pairs: Maximum number of pairs.
        seed: Random seed of the sample.

    Returns:
        Rows of the first and of the second item of each pair, `(P,)` int64 each.
    """
    order = groups.argsort(stable=True)
    counts = groups.bincount()
    place = torch.arange(len(groups), device=groups.device) - (counts.cumsum(0) - counts)[groups[order]]
    later = counts[groups[order]] - place - 1  # partners that follow each item in its group
    ends = later.cumsum(0)
    total = int(ends[-1])
    if total <= max_pairs:
        pair = torch.arange(total, device=groups.device)
    else:
        generator = torch.Generator().manual_seed(seed)
        pair = torch.randint(total, (max_pairs,), generator=generator).to(groups.device)
    first = torch.searchsorted(ends, pair, right=True)
    second = first + 1 + pair - (ends - later)[first]
    return order[first], order[second]


def within_group_km(
    lat_deg: Tensor, lon_deg: Tensor, groups: Tensor, max_pairs: int = 1_000_000, seed: int = 0
) -> Tensor:
    """Return distances in km between items of one group, one value for each pair of `within_group_pairs`."""
    first, second = within_group_pairs(groups, max_pairs, seed)
    return haversine_m(lat_deg[first], lon_deg[first], lat_deg[second], lon_deg[second]) / 1000.0


def branch_separation(codes: Tensor, names: Tensor, max_pairs: int = 1_000_000) -> dict[str, float]:
    """Tell how well codes keep items of the same name apart.

    Args:
        codes: (N, L) codes, or their first levels.
        names: (N,) int64 label of each item's name, -1 where it has none.
        max_pairs: Maximum number of pairs; a sample is used where there are more.

    Returns:
        `pairs`: share of same-name pairs whose codes differ. `branches`: share of the items whose name others have
        too which share their codes with none of these. `groups`: share of the names in which all codes differ.
        Empty where no name occurs twice.
    """
    named = names >= 0
    names, codes = group_rows(names[named, None]), codes[named]
    repeated = (names.bincount()[names] > 1) if len(names) else torch.zeros(0, dtype=torch.bool)
    if not repeated.any():
        return {}
    names, codes = group_rows(names[repeated, None]), codes[repeated]
    cells = group_rows(torch.cat([names[:, None], codes], dim=1))
    alone = cells.bincount()[cells] == 1
    first, second = within_group_pairs(names, max_pairs)
    crowded = torch.zeros(int(names.max()) + 1, dtype=torch.bool).index_fill_(0, names[~alone], True)
    return {
        "pairs": float((cells[first] != cells[second]).double().mean()),
        "branches": float(alone.double().mean()),
        "groups": float((~crowded).double().mean()),
    }


def expected_mutual_information_bits(
    groups: npt.NDArray[np.int64], labels: npt.NDArray[np.int64], n_groups: npt.NDArray[np.int64] | None = None
) -> float:
    """Return the mean mutual information in bits of all permutations of a labeling against another.

    Vinh, Epps and Bailey (JMLR 2010), equation 24a: a group of a items and a label of b of the N share a hypergeometric
    number of items. Of each, the numbers within `TAIL` standard deviations of the mean are summed.

    Args:
        groups: Sizes of the groups, (G,).
        labels: Sizes of the labels, (M,), with the same sum.
        n_groups: How many groups have each size, (G,); one each if none.
    """
    sizes, where = np.unique(groups, return_inverse=True)
    counts = np.bincount(where, weights=np.ones(len(groups)) if n_groups is None else n_groups)
    others, n_others = np.unique(labels, return_counts=True)
    total = int((others * n_others).sum())
    a = sizes.astype(np.float64)
    shared = 0.0
    for b, n_b in zip(others.tolist(), n_others.tolist(), strict=True):
        mean = a * b / total
        spread = np.sqrt(mean * (1 - a / total) * (total - b) / max(total - 1, 1))
        low = np.maximum(np.maximum(sizes + b - total, 1), np.floor(mean - TAIL * spread - TAIL)).astype(np.int64)
        high = np.minimum(np.minimum(sizes, b), np.ceil(mean + TAIL * spread + TAIL)).astype(np.int64)
        width = np.maximum(high - low + 1, 0)
        at = np.repeat(np.arange(len(sizes)), width)
        x = (np.arange(len(at)) - np.repeat(np.cumsum(width) - width, width) + low[at]).astype(np.float64)
        # log of C(b, x) C(N - b, a - x) / C(N, a)
        whole = _log_choose(total - b, a[at] - x) + _log_choose(b, x) - _log_choose(total, a)[at]
        terms = np.bincount(at, np.exp(whole) * x * np.log2(x), minlength=len(sizes))
        shared += n_b * float((counts * terms).sum())
    own = float((counts * a * np.log2(a)).sum())
    other = float((n_others * others * np.log2(others)).sum())
    return max((shared - own - other) / total + math.log2(total), 0.0)


def _log_choose(n: npt.ArrayLike, k: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return _log_factorial(np.asarray(n)) - _log_factorial(k) - _log_factorial(np.asarray(n) - k)


def _log_factorial(n: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    return np.asarray(torch.lgamma(torch.as_tensor(n, dtype=torch.float64) + 1.0))
