"""What an oracle that knows regions, categories and positions could reach with the neighbors of items.

Lists of neighbors are bounded, not vectors: no embedding does better, and perhaps none does as well.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lgsid.functional.distances import earth_centered_km

CHUNK = 1024
"""Items compared with all others at a time."""


def agreement_bound_at_k(region: Tensor, category: Tensor, k: int) -> Tensor:
    """Return the largest coverage@k + purity@k that any embedding of these items can reach.

    An oracle that knows both codes fills each item's k places with items of the same region and category, then with
    those that share one of the two. Unknown codes are treated as in `agreement_at_k`.

    Args:
        region: Shape (N,) int64, 0 is unknown.
        category: Shape (N,) int64, 0 is unknown.
        k: Number of neighbors; at most N - 1 count.

    Returns:
        A scalar, float64, between 0 and 2.
    """
    k = min(k, len(region) - 1)
    both, region_only, category_only = _kinds_of_others(region, category, None)
    worth_region = 1.0 / (region > 0).double().mean()  # items left out leave more weight to the others
    worth_category = 1.0 / (category > 0).double().mean()
    both = both.clamp(max=k)
    better, other = (region_only, category_only) if worth_region >= worth_category else (category_only, region_only)
    better = torch.minimum(better, k - both)
    other = torch.minimum(other, k - both - better)
    singles = better * torch.maximum(worth_region, worth_category) + other * torch.minimum(worth_region, worth_category)
    return ((both * (worth_region + worth_category) + singles) / k).mean()


def coverage_bound_at_purity(
    region: Tensor, category: Tensor, k: int, purity: float, rows: Tensor | None = None
) -> Tensor:
    """Return the largest coverage@k of lists of neighbors whose purity@k is at least some value.

    Each list first takes the items of its own region and category, then those of its region, then those of its
    category. To become purer, a list gives up an item of its region for one of its category; each such trade costs the
    same coverage and gains the same purity, so their number is all that counts. Unknown codes are treated as in
    `agreement_at_k`.

    Args:
        region: Shape (N,) int64, 0 is unknown.
        category: Shape (N,) int64, 0 is unknown.
        k: Number of neighbors; at most N - 1 count.
        purity: The purity@k that is asked for.
        rows: Rows of the items whose lists are meant, shape (Q,) int64, of neighbors among all; all items if none.

    Returns:
        A scalar, float64; NaN if no list is so pure, or no item has a known region or category.
    """
    k = min(k, len(region) - 1)
    both, by_region, by_category = _kinds_of_others(region, category, rows)
    located, categorized = ((codes if rows is None else codes[rows]) > 0 for codes in (region, category))
    if k < 1 or not located.any() or not categorized.any():
        return both.new_full((), torch.nan)
    both = both.clamp(max=k)
    of_region = torch.minimum(by_region, k - both)
    left = torch.minimum(by_category, k - both - of_region)  # places that the region could not fill
    trades = torch.minimum(by_category, k - both) - left
    asked = max(math.ceil(purity * k * int(categorized.sum()) - float((both + left)[categorized].sum()) - 1e-6), 0)
    if asked > trades.sum():
        return both.new_full((), torch.nan)
    return ((both + of_region)[located].sum() - asked) / (k * located.sum())


def near_and_alike_bound_at_k(
    category: Tensor, lat_deg: Tensor, lon_deg: Tensor, k: int, km: float, rows: Tensor | None = None
) -> Tensor:
    """Return the largest `near_and_alike_at_k` of any lists of neighbors: some places have fewer than k such others.

    Distances are straight, at most a millionth shorter than along the surface within 30 km.

    Args:
        category: Shape (N,) int64, 0 is unknown.
        lat_deg: Shape (N,).
        lon_deg: Shape (N,).
        k: Number of neighbors; at most N - 1 count.
        km: Radius.
        rows: Rows of the items whose lists are meant, shape (Q,) int64; all items if none.

    Returns:
        A scalar, float64; NaN if no item has a known category, or there is one item only.
    """
    k = min(k, len(category) - 1)
    position = earth_centered_km(lat_deg.double(), lon_deg.double())
    rows = torch.arange(len(category), device=category.device) if rows is None else rows
    rows = rows[category[rows] > 0]
    found = torch.zeros(len(rows), device=category.device)
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        near = torch.cdist(position[part], position, compute_mode="donot_use_mm_for_euclid_dist") <= km
        found[start : start + CHUNK] = (near & (category[part, None] == category)).sum(1) - 1  # not itself
    return found.clamp(max=k).double().mean() / k if k else found.double().new_full((), torch.nan)


def _kinds_of_others(region: Tensor, category: Tensor, rows: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Return how many others share both codes, the region only and the category only, shape (Q,) float64 each."""
    pair = region * (int(category.max()) + 1) + category
    both = others_alike(pair, (region > 0) & (category > 0))
    kinds = (both, others_alike(region, region > 0) - both, others_alike(category, category > 0) - both)
    return kinds if rows is None else (kinds[0][rows], kinds[1][rows], kinds[2][rows])


def others_alike(codes: Tensor, counted: Tensor) -> Tensor:
    """Return how many other items have an item's code, shape (N,), 0 where `counted` is false."""
    _, inverse = torch.unique(codes, return_inverse=True)
    sizes = torch.bincount(inverse, weights=counted.double())
    return torch.where(counted, sizes[inverse] - 1, torch.zeros_like(sizes[inverse]))
