"""When the events of a history were, relative to the query."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lgsid.typing import SequenceBatch

DAY_S = 86_400.0
SATURDAY = 5
N_CONTEXT = 5  # columns of `event_context`


def event_context(batch: SequenceBatch, mask: Tensor) -> Tensor:
    """Describe when each event of the histories was, relative to the query.

    Args:
        batch: B queries with histories of length T.
        mask: Shape (B, T) bool, False at padding.

    Returns:
        Shape (B, T, 5) float32: log age, `exp(-age / 30 days)`, hour kernels of width 1 h and 3 h, same kind of day.
    """
    days = (batch.history_age_s / DAY_S).float()
    apart = (batch.history_hour - batch.hour[:, None]).abs().float()
    apart = torch.minimum(apart, 24 - apart)
    same_kind = (batch.history_weekday >= SATURDAY) == (batch.weekday >= SATURDAY)[:, None]
    parts = [
        (days + 0.01).log() / math.log(100.0),
        torch.exp(-days / 30),
        torch.exp(-(apart**2) / 2),
        torch.exp(-((apart / 3) ** 2) / 2),
        same_kind.float(),
    ]
    return torch.stack(parts, dim=-1).masked_fill(~mask[..., None], 0.0)
