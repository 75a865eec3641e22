"""The paper's loss, literally."""

from __future__ import annotations

from torch import Tensor

from lgsid.functional.reward import weighted_bce
from lgsid.rewards.reward_loss import RewardLoss


class WeightedBCE(RewardLoss):
    """`-1/N sum_i sum_j p_ij log sigmoid(r_ij)`, as printed (arXiv 2511.14221, METHOD 1).

    It has no negative term, so every score rises and little order is learnt. For comparison.
    """

    def forward(self, scores: Tensor, distance_km: Tensor) -> Tensor:
        """Return the loss."""
        return weighted_bce(scores, distance_km)
