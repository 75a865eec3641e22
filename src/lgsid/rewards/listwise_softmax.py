"""Cross-entropy of a soft-max over the list."""

from __future__ import annotations

from torch import Tensor

from lgsid.functional.reward import listwise_softmax
from lgsid.rewards.reward_loss import RewardLoss


class ListwiseSoftmax(RewardLoss):
    """Cross-entropy of the soft-max over a list against p / sum p (ListNet's top-one form, Cao et al. 2007).

    Our reading of the paper's list-wise loss, and the default.
    """

    def forward(self, scores: Tensor, distance_km: Tensor) -> Tensor:
        """Return the loss."""
        return listwise_softmax(scores, distance_km)
