"""One vector per text from one vector per token."""

from __future__ import annotations

import torch
from torch import Tensor


def cls_pool(hidden: Tensor, mask: Tensor) -> Tensor:
    """Return the vector of the first token that is not padding.

    Args:
        hidden: Shape (B, S, D).
        mask: Shape (B, S), 1 for tokens and 0 for padding, on either side.

    Returns:
        Shape (B, D).
    """
    first = mask.to(torch.int64).argmax(dim=1)  # argmax returns the first of equal values
    return hidden[torch.arange(len(hidden), device=hidden.device), first]


def mean_pool(hidden: Tensor, mask: Tensor) -> Tensor:
    """Return the mean over tokens that are not padding, in float32. Shapes as in `cls_pool`."""
    weight = mask.to(torch.float32).unsqueeze(-1)  # (B, S, 1)
    return (hidden.float() * weight).sum(dim=1) / weight.sum(dim=1).clamp_min(1.0)


def last_pool(hidden: Tensor, mask: Tensor) -> Tensor:
    """Return the vector of the last token that is not padding, for either padding side. Shapes as in `cls_pool`."""
    position = torch.arange(mask.shape[1], device=mask.device)
    last = (position * mask.to(torch.int64)).argmax(dim=1)
    return hidden[torch.arange(len(hidden), device=hidden.device), last]
