"""A pair-wise loss of the reward model."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from lgsid.rewards import RewardLoss


class PartName(RewardLoss):
    """Mean of `log(1 + exp(r_worse - r_better))` over all pairs of a list of which one has the higher label.

    Source: RankNet (Burges et al., 2005).
    """

    def forward(self, scores: Tensor, label: Tensor) -> Tensor:
        """Return the loss of logits and labels, shape (B, C) each, as a scalar: the mean over lists."""
        better = (label[:, :, None] > label[:, None, :]).to(scores.dtype)
        losses = F.softplus(scores[:, None, :] - scores[:, :, None]) * better
        return (losses.sum(dim=(1, 2)) / better.sum(dim=(1, 2)).clamp_min(1)).mean()
