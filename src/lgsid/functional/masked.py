"""Soft-max and top-k over what is there, never over padding."""

from __future__ import annotations

import torch
from torch import Tensor


def masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Return the soft-max over the last axis of what is there; rows without anything are zero, not NaN.

    Args:
        scores: Shape (..., T), of any finite value at padding.
        mask: Shape (..., T) bool, False at padding; broadcasts.
    """
    lowest = torch.finfo(scores.dtype).min
    return scores.masked_fill(~mask, lowest).softmax(-1) * mask


def masked_top_k(scores: Tensor, mask: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return where the k largest scores of the last axis are; of equal scores the later one is larger.

    Padding is masked before the search, so that it never comes before anything that is there. Score and place are put
    into one integer: the same events are found wherever the padding is, on every device.

    Args:
        scores: Shape (..., T), read in float32.
        mask: Shape (..., T) bool, False at padding; broadcasts.
        k: Number of places; all T where there are fewer.

    Returns:
        Places (..., K) int64, the largest score first, and which of them are there, (..., K) bool; K is min(k, T).
    """
    bits = (scores.detach().float() + 0.0).view(torch.int32)  # adding zero makes one zero of both
    rising = bits ^ ((bits >> 31) & 0x7FFFFFFF)  # integers in the order of the floats
    place = torch.arange(scores.shape[-1], device=scores.device)
    key = ((rising.long() << 32) | place).masked_fill(~mask, torch.iinfo(torch.int64).min)
    found = key.topk(min(k, scores.shape[-1]), dim=-1).indices
    return found, mask.expand_as(scores).gather(-1, found)
