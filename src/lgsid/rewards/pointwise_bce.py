"""The true location against the rest."""

from __future__ import annotations

from torch import Tensor

from lgsid.functional.reward import pointwise_bce
from lgsid.rewards.reward_loss import RewardLoss


class PointwiseBCE(RewardLoss):
    """Binary cross-entropy of the true location against all others; distances are not used. The paper's ablation."""

    needs_own = True

    def forward(self, scores: Tensor, distance_km: Tensor) -> Tensor:
        """Return the loss."""
        return pointwise_bce(scores)
