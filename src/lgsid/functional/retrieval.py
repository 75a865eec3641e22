"""Retrieval of the next place by vectors: cosine with where the user was, alone and added to distance."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from lgsid.functional.ranking import reciprocal_rank_at

ROUNDING = 1e-5
"""Scores that differ by less are equal: the same sum in another order, which products of matrices may take."""


def cosine_spread(vectors: Tensor) -> Tensor:
    """Return the standard deviation of the cosine over all pairs of rows, each with itself too.

    Cosines over it are comparable between encoders, so that one grid of weights serves all of them. It takes the mean
    and the second moments of the unit vectors, not the pairs.

    Args:
        vectors: Shape (N, D).

    Returns:
        A scalar, float64, at least 1e-6.
    """
    unit = F.normalize(vectors.double(), dim=1)
    mean = unit.mean(dim=0)
    moments = unit.T @ unit / len(unit)  # (D, D): the mean squared cosine is the sum of its squares
    return ((moments**2).sum() - (mean @ mean) ** 2).clamp_min(1e-12).sqrt()


def mean_vectors(vectors: Tensor, member: Tensor, owner: Tensor, n_owners: int) -> Tensor:
    """Return the mean of the vectors that each owner has.

    Args:
        vectors: Shape (N, D).
        member: Rows of vectors, shape (M,) int64.
        owner: Whose each is, ascending, shape (M,) int64.
        n_owners: Number of owners.

    Returns:
        Shape (n_owners, D); zeros for an owner of none.
    """
    offsets = torch.searchsorted(owner, torch.arange(n_owners, device=owner.device))
    return F.embedding_bag(member, vectors, offsets, mode="mean")


def ranks_by_weight(
    similarity: Tensor, nearness: Tensor, target: Tensor, allowed: Tensor, weights: Sequence[float]
) -> Tensor:
    """Rank targets by `similarity + weight * nearness`, for several weights at once, ties against the model.

    Args:
        similarity: Shape (B, N), higher is better.
        nearness: Shape (B, N), higher is nearer.
        target: Shape (B,), item rows, each of them allowed.
        allowed: Shape (B, N) bool, the items that compete.
        weights: W weights of the nearness.

    Returns:
        Shape (B, W) int64: 1 + the number of other allowed items that score at least as much, rounding aside.
    """
    own = target[:, None]
    ahead = (similarity - similarity.gather(1, own)).masked_fill_(~allowed, -torch.inf)
    nearer = nearness - nearness.gather(1, own)
    return torch.stack([(ahead.add(nearer, alpha=weight) >= -ROUNDING).sum(1) for weight in weights], dim=1)


def chance_hit(competing: Tensor, k: int) -> Tensor:
    """Return the expected Hit@k of one relevant item in random order. `competing`: items (B,). Returns (B,) float64."""
    return (k / competing.double()).clamp_max(1.0)


def chance_reciprocal_rank(competing: Tensor, k: int) -> Tensor:
    """Return the expected MRR@k of one relevant item in random order. `competing`: items (B,). Returns (B,) float64."""
    gains = reciprocal_rank_at(torch.arange(1, k + 1, device=competing.device), k).cumsum(0)
    return gains[competing.clamp(1, k) - 1] / competing.double()
