"""Nearest neighbors in embedding space, compared with regions, categories and distances on the ground.

coverage@k is the share of an item's k nearest embeddings (cosine, itself excluded) that lie in the same region,
purity@k the share that has the same category; both are `agreement_at_k` (glossary of docs/method.md).
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from lgsid.functional.distances import haversine_m

BLOCK = 16_384
"""Rows that others are compared with at a time."""
MAX_QUERIES = 8_192
"""Neighbors are searched of every row up to so many rows, and of a sample of so many where there are more."""
Z95 = 1.959964
"""97.5 % quantile of the normal distribution: intervals of 95 %."""


def nearest_vectors(vectors: Tensor, k: int, chunk_size: int = 1024, rows: Tensor | None = None) -> Tensor:
    """Return the k nearest other rows of each row by cosine, exactly, nearest first.

    A row is never its own neighbor, also where other rows hold the same vector: it is excluded by its position, not
    by its similarity. Rows of equal similarity come in an order that is unspecified but repeatable.

    Args:
        vectors: Shape (N, D). A row of zeros has similarity 0 with every other.
        k: Number of neighbors; at most N - 1 are returned.
        chunk_size: Rows compared with `BLOCK` others at a time; memory is `chunk_size * BLOCK` floats.
        rows: Rows whose neighbors are searched among all rows, shape (Q,) int64; every row if none.

    Returns:
        Rows, shape (Q, min(k, N - 1)), int64.
    """
    rows = torch.arange(len(vectors), device=vectors.device) if rows is None else rows
    k = max(min(k, len(vectors) - 1), 0)
    queries = F.normalize(vectors[rows].float(), dim=1)
    nearest = torch.full((len(rows), k), -torch.inf, device=vectors.device)
    found = torch.empty(len(rows), k, dtype=torch.int64, device=vectors.device)
    for start in range(0, len(vectors) if k else 0, BLOCK):
        block = F.normalize(vectors[start : start + BLOCK].float(), dim=1)  # (block, D)
        for first in range(0, len(rows), chunk_size):
            part = slice(first, first + chunk_size)
            similarity = queries[part] @ block.T  # (chunk, block)
            own = rows[part] - start
            here = ((own >= 0) & (own < len(block))).nonzero()[:, 0]
            similarity[here, own[here]] = -torch.inf
            best, at = similarity.topk(min(k, len(block)), dim=1)
            if start:
                best, choice = torch.cat([nearest[part], best], dim=1).topk(k, dim=1)
                at = torch.cat([found[part], at + start], dim=1).gather(1, choice)
            nearest[part], found[part] = best, at
    return found


def sampled_rows(n: int, n_queries: int, seed: int) -> Tensor | None:
    """Sample `n_queries` of `n` rows without replacement, in their order, (n_queries,) int64; none if there are fewer.

    Neighbors of all rows take time that grows with the square of their number, those of a sample among all rows do not.
    """
    if n <= n_queries:
        return None
    return torch.randperm(n, generator=torch.Generator().manual_seed(seed))[:n_queries].sort().values


def agreement_at_k(neighbors: Tensor, codes: Tensor, rows: Tensor | None = None) -> Tensor:
    """Return the mean share of an item's neighbors that have the item's own code: coverage@k and purity@k.

    Code 0 means unknown. An item whose code is unknown is left out, since no neighbor could be right; a neighbor
    whose code is unknown counts as different.

    Args:
        neighbors: Rows of the k neighbors, shape (Q, k) int64.
        codes: Region or category of each item, shape (N,) int64.
        rows: Rows of the items whose neighbors they are, shape (Q,) int64; all items if none.

    Returns:
        A scalar, float64; NaN if no item has a known code or there are no neighbors.
    """
    return _agreements(neighbors, codes, rows).mean()


def agreement_interval_at_k(neighbors: Tensor, codes: Tensor, rows: Tensor) -> tuple[float, float]:
    """Return the 95 % confidence interval of `agreement_at_k` of all items, from that of the sampled `rows`."""
    shares = _agreements(neighbors, codes, rows).mean(dim=1)
    center, half = float(shares.mean()), Z95 * _standard_error(shares, len(rows), len(codes))
    return max(center - half, 0.0), min(center + half, 1.0)


def _agreements(neighbors: Tensor, codes: Tensor, rows: Tensor | None) -> Tensor:
    """Return 1 where a neighbor has the item's own code, else 0, float64; shape (items with a known code, k)."""
    own = codes if rows is None else codes[rows]
    known = own > 0
    return (codes[neighbors[known]] == own[known, None]).double()


def _standard_error(values: Tensor, drawn: int, of: int) -> float:
    """Return the standard error of the mean of `values` of a sample drawn without replacement (Cochran 1977, 2.6)."""
    if len(values) < 2:
        return 0.0 if drawn == of else math.inf
    return float(values.std() / len(values) ** 0.5) * math.sqrt((of - drawn) / (of - 1))


def median_km_at_k(neighbors: Tensor, lat_deg: Tensor, lon_deg: Tensor, rows: Tensor | None = None) -> Tensor:
    """Return the median great-circle distance from an item to its neighbors, see `km_quantile_at_k`."""
    return km_quantile_at_k(neighbors, lat_deg, lon_deg, 0.5, rows)


def km_quantile_at_k(
    neighbors: Tensor, lat_deg: Tensor, lon_deg: Tensor, share: float, rows: Tensor | None = None
) -> Tensor:
    """Return a quantile of the great-circle distances from items to their neighbors, over all Q * k pairs, in km.

    Args:
        neighbors: Rows of the k neighbors, shape (Q, k) int64.
        lat_deg: Shape (N,).
        lon_deg: Shape (N,).
        share: Share of the pairs that are nearer, between 0 and 1.
        rows: Rows of the items whose neighbors they are, shape (Q,) int64; all items if none.

    Returns:
        A scalar, float64; NaN if there are no neighbors.
    """
    meters = _meters(neighbors, lat_deg, lon_deg, rows).flatten()
    if not len(meters):
        return meters.new_full((), torch.nan)
    return meters.new_tensor(np.quantile(meters.cpu().numpy(), share)) / 1000  # torch's takes 16 million at most


def near_and_alike_at_k(
    neighbors: Tensor, category: Tensor, lat_deg: Tensor, lon_deg: Tensor, km: float, rows: Tensor | None = None
) -> Tensor:
    """Return the mean share of an item's neighbors that are of its category and at most some kilometers away.

    Args:
        neighbors: Rows of the k neighbors, shape (Q, k) int64.
        category: Shape (N,) int64, 0 is unknown: such an item is left out, such a neighbor counts as different.
        lat_deg: Shape (N,).
        lon_deg: Shape (N,).
        km: Radius.
        rows: Rows of the items whose neighbors they are, shape (Q,) int64; all items if none.

    Returns:
        A scalar, float64; NaN if no item has a known category or there are no neighbors.
    """
    own = category if rows is None else category[rows]
    near = _meters(neighbors, lat_deg, lon_deg, rows) <= km * 1000
    return (near & (category[neighbors] == own[:, None]))[own > 0].double().mean()


def median_km_interval_at_k(neighbors: Tensor, lat_deg: Tensor, lon_deg: Tensor, rows: Tensor) -> tuple[float, float]:
    """Return the 95 % confidence interval of `median_km_at_k` of all items, from that of the sampled `rows`.

    Woodruff's (JASA 1952): the interval of the share of pairs below the median, read off the quantiles. The k pairs of
    an item count as one observation, since they are alike.
    """
    meters = _meters(neighbors, lat_deg, lon_deg, rows)
    values = meters.flatten().sort().values
    below = (meters <= values[(len(values) - 1) // 2]).double().mean(dim=1)
    half = Z95 * _standard_error(below, len(rows), len(lat_deg))
    low, high = ((len(values) - 1) * share for share in (max(0.5 - half, 0.0), min(0.5 + half, 1.0)))
    return float(values[math.floor(low)]) / 1000, float(values[math.ceil(high)]) / 1000


def _meters(neighbors: Tensor, lat_deg: Tensor, lon_deg: Tensor, rows: Tensor | None) -> Tensor:
    """Return the distances from items to their neighbors, (Q, k) float64."""
    lat, lon = (lat_deg, lon_deg) if rows is None else (lat_deg[rows], lon_deg[rows])
    return haversine_m(lat[:, None], lon[:, None], lat_deg[neighbors], lon_deg[neighbors])


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
