"""Nearest neighbors in embedding space, compared with regions, categories and distances on the ground.

coverage@k is the share of an item's k nearest embeddings (cosine, itself excluded) that lie in the same region,
purity@k the share that has the same category; both are `agreement_at_k` (glossary of docs/method.md).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from lgsid.functional.distances import haversine_m


def nearest_vectors(vectors: Tensor, k: int, chunk_size: int = 1024) -> Tensor:
    """Return the k nearest other rows of each row by cosine, exactly, nearest first.

    A row is never its own neighbor, also where other rows hold the same vector: it is excluded by its position, not
    by its similarity. Rows of equal similarity come in an order that is unspecified but repeatable.

    Args:
        vectors: Shape (N, D). A row of zeros has similarity 0 with every other.
        k: Number of neighbors; at most N - 1 are returned.
        chunk_size: Rows compared with all others at a time; memory is `chunk_size * N` floats.

    Returns:
        Rows, shape (N, min(k, N - 1)), int64.
    """
    n = len(vectors)
    k = max(min(k, n - 1), 0)
    unit = F.normalize(vectors.float(), dim=1)
    found = torch.empty(n, k, dtype=torch.int64, device=vectors.device)
    for start in range(0, n if k else 0, chunk_size):
        rows = torch.arange(start, min(start + chunk_size, n), device=vectors.device)
        similarity = unit[rows] @ unit.T  # (chunk, N)
        similarity[rows - start, rows] = -torch.inf
        found[rows] = similarity.topk(k, dim=1).indices
    return found


def agreement_at_k(neighbors: Tensor, codes: Tensor) -> Tensor:
    """Return the mean share of an item's neighbors that have the item's own code: coverage@k and purity@k.

    Code 0 means unknown. An item whose code is unknown is left out, since no neighbor could be right; a neighbor
    whose code is unknown counts as different.

    Args:
        neighbors: Rows of the k neighbors, shape (N, k) int64.
        codes: Region or category of each item, shape (N,) int64.

    Returns:
        A scalar, float64; NaN if no item has a known code or there are no neighbors.
    """
    known = codes > 0
    same = codes[neighbors[known]] == codes[known, None]
    return same.double().mean()


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
    both = _others_alike(region * (int(category.max()) + 1) + category, (region > 0) & (category > 0))
    region_only = _others_alike(region, region > 0) - both
    category_only = _others_alike(category, category > 0) - both
    worth_region = 1.0 / (region > 0).double().mean()  # items left out leave more weight to the others
    worth_category = 1.0 / (category > 0).double().mean()
    both = both.clamp(max=k)
    better, other = (region_only, category_only) if worth_region >= worth_category else (category_only, region_only)
    better = torch.minimum(better, k - both)
    other = torch.minimum(other, k - both - better)
    singles = better * torch.maximum(worth_region, worth_category) + other * torch.minimum(worth_region, worth_category)
    return ((both * (worth_region + worth_category) + singles) / k).mean()


def _others_alike(codes: Tensor, counted: Tensor) -> Tensor:
    """Return how many other items have an item's code, shape (N,), 0 where `counted` is false."""
    _, inverse = torch.unique(codes, return_inverse=True)
    sizes = torch.bincount(inverse, weights=counted.double())
    return torch.where(counted, sizes[inverse] - 1, torch.zeros_like(sizes[inverse]))


def median_km_at_k(neighbors: Tensor, lat_deg: Tensor, lon_deg: Tensor) -> Tensor:
    """Return the median great-circle distance from an item to its neighbors, over all N * k pairs, in kilometers.

    Args:
        neighbors: Rows of the k neighbors, shape (N, k) int64.
        lat_deg: Shape (N,).
        lon_deg: Shape (N,).

    Returns:
        A scalar, float64.
    """
    meters = haversine_m(lat_deg[:, None], lon_deg[:, None], lat_deg[neighbors], lon_deg[neighbors])
    return meters.flatten().quantile(0.5) / 1000 if meters.numel() < 2**24 else meters.flatten().median() / 1000


def effective_rank(vectors: Tensor) -> Tensor:
    """Return how many directions the vectors use: exp of the entropy of their normalized singular values.

    Roy and Vetterli, "The effective rank" (EUSIPCO 2007). Vectors are scaled to unit length and centered first (our
    choice): the offset that all of them share is no direction in which items differ.

    Args:
        vectors: Shape (N, D).

    Returns:
        A scalar, float64, between 1 and D; 0 if all vectors are equal.
    """
    unit = F.normalize(vectors.double(), dim=1)
    centered = unit - unit.mean(dim=0)
    singular = torch.linalg.svdvals(centered.T @ centered).sqrt()  # of the Gram matrix: D x D however many items
    total = singular.sum()
    if total <= len(singular) * 1e-7:
        return torch.zeros((), dtype=torch.float64, device=vectors.device)
    rank: Tensor = torch.special.entr(singular / total).sum().exp()
    return rank


def mean_cosine(vectors: Tensor, reference: Tensor) -> Tensor:
    """Return the mean cosine between the rows of two tables of vectors, both of shape (N, D); a scalar, float64."""
    return F.cosine_similarity(vectors.double(), reference.double(), dim=1).mean()
