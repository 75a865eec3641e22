"""The past check-ins of a query, put together by place."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lgsid.typing import Batch


@dataclass(frozen=True)
class Visits(Batch):
    """One sort of the history, shared by all that ask how often and when first."""

    order: Tensor  # (B, T) positions in the history, ordered by place; padding comes first
    group: Tensor  # (B, T) number of the place at each position of `order`, from 0
    group_of: Tensor  # (B, T) the same in the order of the history
    first: Tensor  # (B, T) bool in the order of the history: the first check-in at that place within it
    most_visited: Tensor  # (B,) item row of the most frequent place (the lowest row among equals), -1 where none

    @classmethod
    def of(cls, history: Tensor) -> Visits:
        """Sort histories.

        Args:
            history: Shape (B, T), item rows, -1 is padding.
        """
        ordered, order = history.to(torch.int32).sort(dim=1, stable=True)
        opens = torch.ones_like(ordered, dtype=torch.bool)
        opens[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
        group = opens.long().cumsum(1) - 1
        known = ordered >= 0
        first = torch.zeros_like(opens).scatter(1, order, opens & known)
        visits = torch.zeros_like(group).scatter_add(1, group, known.long())
        largest = visits.argmax(1, keepdim=True)
        place = torch.full_like(group, -1).scatter(1, group, ordered.long())
        return cls(
            order, group, torch.zeros_like(group).scatter(1, order, group), first, place.gather(1, largest)[:, 0]
        )
