"""What counts of the training split know too early: the check-ins of the same user from the query on.

A count over the training split holds the very check-in that a training query asks for, and what its user did after it.
A model that sees it learns that a place nobody was counted at is never visited. Every count that a model reads leaves
these check-ins out, by the functions here; for queries after the training there is nothing to leave out.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lgsid.typing import SequenceBatch


def later_items(batch: SequenceBatch) -> Tensor:
    """Return where each user's training check-ins are from the query on, shape (B, F) int64, -1 is padding."""
    return batch.history[:, :0] if batch.later is None else batch.later


def later_counts(batch: SequenceBatch, candidate: Tensor) -> Tensor:
    """Count the user's own training check-ins at candidates from the query on.

    Args:
        batch: B queries.
        candidate: Shape (B, C), item rows.

    Returns:
        Shape (B, C) int64.
    """
    return (candidate[:, :, None] == later_items(batch)[:, None, :]).sum(-1)


def later_table(batch: SequenceBatch, n_items: int, weight: Tensor | None = None) -> Tensor:
    """Count the user's own training check-ins at every item from the query on.

    Args:
        batch: B queries.
        n_items: Number of items N.
        weight: Shape (B, F), what each counts; 1 if not given.

    Returns:
        Shape (B, N) float32.
    """
    later = later_items(batch)
    table = torch.zeros(len(batch), n_items, device=later.device)
    known = (later >= 0).float()
    return table.scatter_add_(1, later.clamp_min(0), known if weight is None else known * weight.float())
