"""Places where the user has not been."""

from __future__ import annotations

from torch import Tensor

from lgsid.recommenders import Catalogue, ListReward
from lgsid.typing import SequenceBatch


class PartName(ListReward):
    """Novelty: the share of the list where the user has not been; all of it for somebody without a past.

    Args:
        weight: Weight of the reward among others.
    """

    def forward(self, lists: Tensor, batch: SequenceBatch, catalogue: Catalogue) -> Tensor:
        """Return the share of new places, shape (B, G) float32, 0 for an empty list.

        Args:
            lists: Shape (B, G, m), item rows, -1 behind the end of a list.
            batch: B queries.
            catalogue: The items.
        """
        there = lists >= 0
        visited = (lists[..., None] == batch.history[:, None, None]).any(3)
        return (there & ~visited).sum(2) / there.sum(2).clamp_min(1)
