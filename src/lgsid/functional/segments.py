"""Ragged lists as one flat tensor and the number of the list that each entry belongs to."""

from __future__ import annotations

import torch
from torch import Tensor

from lgsid.functional.ranking import stable_key


def places_in_segments(segment: Tensor, n_segments: int) -> tuple[Tensor, Tensor]:
    """Return where each entry stands in its segment.

    Args:
        segment: Shape (C,), ascending.
        n_segments: Number of segments.

    Returns:
        Shape (C,), from 0; and the first entry of each segment, shape (n_segments,).
    """
    count = torch.bincount(segment, minlength=n_segments)
    first = count.cumsum(0) - count
    return torch.arange(len(segment), device=segment.device) - first.index_select(0, segment), first


def best_per_segment(scores: Tensor, segment: Tensor, n_segments: int, width: int) -> tuple[Tensor, Tensor]:
    """Return the best entries of each segment, equal scores in their order.

    Args:
        scores: Shape (C,) float32; minus infinity and NaN are never chosen.
        segment: Shape (C,), ascending.
        n_segments: Number of segments B.
        width: Most entries of a segment.

    Returns:
        Positions in `scores`, shape (B, W), -1 is padding, and their scores; W is at most `width` and at least 1.
    """
    count = torch.bincount(segment, minlength=n_segments)
    longest = max(int(count.max()), 1) if n_segments else 1
    first = count.cumsum(0) - count
    cell = torch.arange(len(segment), device=segment.device)
    cell += (torch.arange(n_segments, device=segment.device) * longest - first).index_select(0, segment)
    table = scores.new_full((n_segments * longest,), -torch.inf)
    table = table.index_copy_(0, cell, scores.masked_fill(scores.isnan(), -torch.inf)).view(n_segments, longest)
    column = stable_key(table).topk(min(width, longest), dim=1).indices
    values = table.gather(1, column)
    return torch.where(values > -torch.inf, column + first[:, None], -1), values


def segment_log_softmax(logits: Tensor, segment: Tensor, n_segments: int) -> Tensor:
    """Normalize logits inside segments, with a gradient.

    Args:
        logits: Shape (C,).
        segment: Shape (C,), which segment each belongs to.
        n_segments: Number of segments.

    Returns:
        Shape (C,), log-probabilities that sum to one inside each segment that occurs.
    """
    with torch.no_grad():
        top = logits.new_full((n_segments,), -torch.inf).scatter_reduce(0, segment, logits, "amax")
    shifted = logits - top.index_select(0, segment)
    total = logits.new_zeros(n_segments).index_add(0, segment, shifted.exp())
    return shifted - total.clamp_min(torch.finfo(logits.dtype).tiny).log().index_select(0, segment)
