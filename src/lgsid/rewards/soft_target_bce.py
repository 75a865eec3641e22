"""Binary cross-entropy against graded targets."""

from __future__ import annotations

from torch import Tensor

from lgsid.functional.reward import soft_target_bce
from lgsid.rewards.reward_loss import RewardLoss


class SoftTargetBCE(RewardLoss):
    """Binary cross-entropy of every score against p/C: the paper's labels with the missing negative term.

    Our reading.
    """

    def forward(self, scores: Tensor, distance_km: Tensor) -> Tensor:
        """Return the loss."""
        return soft_target_bce(scores, distance_km)
