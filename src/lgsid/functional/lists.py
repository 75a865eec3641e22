"""Lists of candidates: distance labels, rank correlation, NDCG."""

from __future__ import annotations

import torch
from torch import Tensor


def average_ranks(values: Tensor) -> Tensor:
    """Return 1-based ascending ranks; equal values share the mean of their ranks.

    Args:
        values: Shape (B, C).

    Returns:
        Shape (B, C), float32.
    """
    own, others = values.unsqueeze(-1), values.unsqueeze(-2)
    below = (others < own).sum(dim=-1)
    equal = (others == own).sum(dim=-1)
    return below + (equal + 1) / 2.0


def rank_labels(distance: Tensor) -> Tensor:
    """Return `p_j = C - rank(distance_j) + 1`: the nearest of C candidates has C, the farthest 1.

    Equal distances share the mean of their labels (our reading).

    Source: the labels of LGSID's reward model (arXiv 2511.14221).

    Args:
        distance: Any unit, shape (B, C).

    Returns:
        Shape (B, C), float32.
    """
    return distance.shape[-1] + 1.0 - average_ranks(distance)


def spearman(scores: Tensor, targets: Tensor) -> Tensor:
    """Return Spearman's rank correlation of each list, ties at their mean rank; 0 where one side is constant.

    Args:
        scores: Shape (B, C).
        targets: Shape (B, C).

    Returns:
        Shape (B,), in -1..1.
    """
    a, b = average_ranks(scores), average_ranks(targets)
    a, b = a - a.mean(dim=-1, keepdim=True), b - b.mean(dim=-1, keepdim=True)
    norm = (a.square().sum(dim=-1) * b.square().sum(dim=-1)).sqrt()
    return (a * b).sum(dim=-1) / norm.clamp_min(1e-12)


def ndcg(scores: Tensor, gains: Tensor, k: int) -> Tensor:
    """Return the normalized discounted cumulative gain at k of each list, with linear gains.

    Candidates with equal scores share their mean gain, so that a constant score has exactly the value of chance.

    Args:
        scores: Shape (B, C).
        gains: Not negative, shape (B, C).
        k: Cut-off.

    Returns:
        Shape (B,), in 0..1.
    """
    tied = (scores.unsqueeze(-1) == scores.unsqueeze(-2)).to(gains.dtype)  # (B, C, C)
    shared = (tied @ gains.unsqueeze(-1)).squeeze(-1) / tied.sum(dim=-1)
    order = scores.argsort(dim=-1, descending=True, stable=True)
    reached = (shared.gather(-1, order) * discounts(gains, k)).sum(dim=-1)
    return reached / ideal_gain(gains, k)


def chance_ndcg(gains: Tensor, k: int) -> Tensor:
    """Return the expected NDCG of a random order: the mean gain at every rank. Shapes as in `ndcg`."""
    return gains.mean(dim=-1) * discounts(gains, k).sum() / ideal_gain(gains, k)


def ideal_gain(gains: Tensor, k: int) -> Tensor:
    """Return the discounted gain of the best order, shape (B,)."""
    best = gains.sort(dim=-1, descending=True).values
    return (best * discounts(gains, k)).sum(dim=-1).clamp_min(1e-12)


def discounts(gains: Tensor, k: int) -> Tensor:
    """Return `1 / log2(1 + rank)` for the first k ranks and 0 after them, shape (C,)."""
    rank = torch.arange(1, gains.shape[-1] + 1, device=gains.device)
    return torch.where(rank <= k, 1.0 / torch.log2(1.0 + rank), 0.0).to(gains.dtype)


def first_distinct(items: Tensor, length: int) -> Tensor:
    """Return the first different entries of each row, in their order.

    Args:
        items: Shape (B, F) int64, -1 is padding.
        length: Most entries (m).

    Returns:
        Shape (B, m) int64, -1 behind the last one.
    """
    repeated = (items[:, :, None] == items[:, None, :]).tril(-1).any(2)
    first = (items >= 0) & ~repeated
    place = torch.where(first, first.long().cumsum(1) - 1, length).clamp_max(length)
    return torch.full_like(items[:, :1], -1).repeat(1, length + 1).scatter(1, place, items)[:, :length]
