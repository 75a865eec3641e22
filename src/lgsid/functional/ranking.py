"""Item-level ranking: ranks with ties against the model, hit, NDCG, reciprocal rank, top-k."""

from __future__ import annotations

import torch
from torch import Tensor

UNRANKED = 1 << 40
"""Rank of a target that the model did not return."""
NEVER = -1e4
"""Log-probability of what cannot be; finite, so that its gradient is zero and not NaN."""


def pessimistic_rank(scores: Tensor, target: Tensor, allowed: Tensor | None = None) -> Tensor:
    """Rank targets among all items, ties broken against the model (docs/evaluation.md, rule 3).

    Args:
        scores: Shape (B, N), higher is better; NaN counts as the lowest score.
        target: Shape (B,), item rows.
        allowed: Shape (N,) or (B, N) bool, the items that compete. A target that is not allowed is `UNRANKED`.

    Returns:
        Shape (B,) int64: 1 + the number of other items that score at least as much as the target.
    """
    scores = scores.masked_fill(scores.isnan(), -torch.inf)
    at_least = scores >= scores.gather(1, target[:, None])
    if allowed is None:
        return at_least.sum(1)
    allowed = allowed.expand_as(scores)
    rank = (at_least & allowed).sum(1)
    return torch.where(allowed.gather(1, target[:, None])[:, 0], rank, UNRANKED)


def list_rank(items: Tensor, scores: Tensor, target: Tensor) -> Tensor:
    """Rank targets inside returned lists, ties broken against the model.

    Args:
        items: Shape (B, k), item rows, -1 is padding.
        scores: Shape (B, k), higher is better.
        target: Shape (B,), item rows.

    Returns:
        Shape (B,) int64: 1 + the number of other listed items that score at least as much; `UNRANKED` if not listed.
    """
    found = items == target[:, None]
    own = scores.masked_fill(~found, -torch.inf).amax(1, keepdim=True) if items.shape[1] else scores.new_zeros(0)
    if not items.shape[1]:
        return torch.full_like(target, UNRANKED)
    rank = ((scores >= own) & (items >= 0)).sum(1)
    return torch.where(found.any(1), rank, UNRANKED)


def hit_at(rank: Tensor, k: int) -> Tensor:
    """Return 1 where the target is among the first k. `rank`: (B,) from 1. Returns (B,) float64."""
    return (rank <= k).double()


def ndcg_at(rank: Tensor, k: int) -> Tensor:
    """Return the NDCG at k of one relevant item, `1 / log2(rank + 1)`. `rank`: (B,) from 1. Returns (B,) float64."""
    return torch.where(rank <= k, 1.0 / torch.log2(rank.double() + 1.0), 0.0)


def reciprocal_rank_at(rank: Tensor, k: int = UNRANKED - 1) -> Tensor:
    """Return `1 / rank` where the target is among the first k, else 0. `rank`: (B,) from 1. Returns (B,) float64."""
    return torch.where(rank <= k, 1.0 / rank.double(), 0.0)


def top_k(scores: Tensor, k: int, allowed: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Return the k best items, equal scores in the order of their rows, so that the result is deterministic.

    Args:
        scores: Shape (B, N), higher is better; NaN and minus infinity are never returned.
        k: Number of items; where fewer qualify the rest is padding.
        allowed: Shape (N,) or (B, N) bool.

    Returns:
        Items (B, k) int64, -1 is padding, and their scores (B, k) float32, minus infinity at padding.
    """
    scores = scores.float()
    scores = scores.masked_fill(scores.isnan(), -torch.inf)
    if allowed is not None:
        scores = scores.masked_fill(~allowed.expand_as(scores), -torch.inf)
    n_items = scores.shape[1]
    kept = min(k, n_items)
    best = stable_key(scores).topk(kept, dim=1).indices
    values = scores.gather(1, best)
    best = best.masked_fill(values == -torch.inf, -1)
    if kept < k:
        best = torch.nn.functional.pad(best, (0, k - kept), value=-1)
        values = torch.nn.functional.pad(values, (0, k - kept), value=-torch.inf)
    return best, values


def stable_key(scores: Tensor) -> Tensor:
    """Turn float32 scores into distinct integers in the same order, equal scores ordered by column, first first.

    Args:
        scores: Shape (..., N) float32 without NaN.

    Returns:
        Shape (..., N) int64: the order-preserving bits of the float above 32 bits of the reversed column number.
    """
    bits = (scores + 0.0).contiguous().view(torch.int32).long()  # + 0.0 turns -0.0 into 0.0
    ordered = torch.where(bits >= 0, bits, -(bits & 0x7FFFFFFF))
    columns = torch.arange(scores.shape[-1] - 1, -1, -1, device=scores.device)
    return ordered * (1 << 32) + columns
