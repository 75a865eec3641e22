"""What the reward is trained to do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor, nn


class RewardLoss(nn.Module, ABC):
    """A loss over lists of candidates. Column 0 of a list is the anchor's own location.

    `needs_own` tells whether column 0 must be there: an anchor paired with itself says nothing of distance, so inputs
    that see the anchor are otherwise trained without it.
    """

    needs_own: ClassVar[bool] = False

    @abstractmethod
    def forward(self, scores: Tensor, distance_km: Tensor) -> Tensor:
        """Return the loss.

        Args:
            scores: Logits, shape (B, C).
            distance_km: From the anchor to each candidate location, shape (B, C).

        Returns:
            A scalar.
        """
