"""Rank items by a score and break its ties by recency, then popularity, then against the model (docs/evaluation.md)."""

from __future__ import annotations

import torch
from torch import Tensor

from lgsid.functional.ranking import UNRANKED


def lexicographic_rank(
    scores: Tensor, recency: Tensor, popularity: Tensor, target: Tensor, allowed: Tensor | None = None
) -> Tensor:
    """Rank targets among all items by (score, recency, popularity); what is still equal counts against the model.

    Args:
        scores: Shape (B, N), higher is better; minus infinity is never returned.
        recency: Shape (B, N), higher is more recent.
        popularity: Shape (B, N) or (N,), higher is more popular.
        target: Shape (B,), item rows.
        allowed: Shape (N,) or (B, N) bool, the items that compete.

    Returns:
        Shape (B,) int64, from 1; `UNRANKED` where the target is not allowed or scores minus infinity.
    """
    own = target[:, None]
    popularity = popularity.expand_as(scores)
    score, recent, popular = scores.gather(1, own), recency.gather(1, own), popularity.gather(1, own)
    tied = scores == score
    ahead = (scores > score) | (tied & (recency > recent))
    ahead |= tied & (recency == recent) & (popularity >= popular)
    competes = score[:, 0] != -torch.inf
    if allowed is not None:
        allowed = allowed.expand_as(scores)
        ahead &= allowed
        competes &= allowed.gather(1, own)[:, 0]
    return torch.where(competes, ahead.sum(1), UNRANKED)


def lexicographic_top_k(
    scores: Tensor, recency: Tensor, popularity: Tensor, k: int, allowed: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Return the k best items by (score, recency, popularity, row), without sorting all of them.

    The k-th largest score splits the items: all above it are in, and those equal to it compete by the rest of the key.

    Args:
        scores: Shape (B, N), higher is better; minus infinity is never returned.
        recency: Shape (B, N) int64, from 0, higher is more recent.
        popularity: Shape (B, N) or (N,), higher is more popular.
        k: Number of items; where fewer qualify the rest is padding.
        allowed: Shape (N,) or (B, N) bool.

    Returns:
        Items (B, k) int64, -1 is padding, and their scores (B, k) in the type of `scores`, minus infinity at padding.
    """
    if allowed is not None:
        scores = scores.masked_fill(~allowed.expand_as(scores), -torch.inf)
    n_items = scores.shape[1]
    kept = min(k, n_items)
    if kept == 0:
        return _pad(scores.new_empty((len(scores), 0), dtype=torch.int64), scores[:, :0], k)
    tie_key = recency * n_items + _place_by_popularity(popularity)
    border = scores.topk(kept, dim=1).values[:, -1:]
    entry_key = torch.where(scores > border, tie_key + (1 << 62), tie_key).masked_fill(scores < border, -1)
    best = entry_key.topk(kept, dim=1).indices
    by_tie = tie_key.gather(1, best).argsort(dim=1, descending=True)
    best = best.gather(1, by_tie)
    by_score = scores.gather(1, best).argsort(dim=1, descending=True, stable=True)
    best = best.gather(1, by_score)
    values = scores.gather(1, best)
    return _pad(best.masked_fill(values == -torch.inf, -1), values, k)


def _place_by_popularity(popularity: Tensor) -> Tensor:
    """Number the items from 0, the least popular first; of equally popular ones the first row comes last."""
    order = popularity.flip(-1).argsort(dim=-1, stable=True)
    order = popularity.shape[-1] - 1 - order
    numbers = torch.arange(popularity.shape[-1], device=popularity.device).expand_as(order)
    return torch.empty_like(order).scatter_(-1, order, numbers)


def _pad(items: Tensor, scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    missing = k - items.shape[1]
    if missing <= 0:
        return items, scores
    pad = torch.nn.functional.pad
    return pad(items, (0, missing), value=-1), pad(scores, (0, missing), value=-torch.inf)
