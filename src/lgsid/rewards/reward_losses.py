"""Losses of the reward model, over lists of candidate locations."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor, nn

from lgsid.construction import Describable
from lgsid.functional.reward import listwise_softmax, pointwise_bce, soft_target_bce, weighted_bce


class RewardLoss(Describable, nn.Module, ABC):
    """A loss over lists of candidates. Column 0 of a list is the anchor's own location.

    `needs_own` is true where column 0 is required: an anchor paired with itself says nothing, so inputs
    that see the anchor are otherwise trained without it.
    """

    needs_own: ClassVar[bool] = False

    @abstractmethod
    def forward(self, scores: Tensor, label: Tensor) -> Tensor:
        """Return the loss.

        Args:
            scores: Logits, shape (B, C).
            label: How good each candidate is by what its list asks, not negative, shape (B, C).

        Returns:
            A scalar.
        """


class ListwiseSoftmax(RewardLoss):
    """Cross-entropy of the softmax over a list against p / sum p (ListNet, Cao et al. 2007).

    Our reading of the list-wise loss of LGSID (arXiv 2511.14221; docs/method.md, section 1), and the default.
    """

    def forward(self, scores: Tensor, label: Tensor) -> Tensor:
        """Return the loss."""
        return listwise_softmax(scores, label)


class SoftTargetBCE(RewardLoss):
    """Binary cross-entropy of every score against p / max p: the labels as printed, with a negative term.

    Our reading of the list-wise loss of LGSID (arXiv 2511.14221; docs/method.md, section 1).
    """

    def forward(self, scores: Tensor, label: Tensor) -> Tensor:
        """Return the loss."""
        return soft_target_bce(scores, label)


class WeightedBCE(RewardLoss):
    """`-1/N sum_i sum_j p_ij log sigmoid(r_ij)`, as printed (arXiv 2511.14221).

    It has no negative term, so all scores rise and little order is learned. For comparison.
    """

    def forward(self, scores: Tensor, label: Tensor) -> Tensor:
        """Return the loss."""
        return weighted_bce(scores, label)


class PointwiseBCE(RewardLoss):
    """Binary cross-entropy of the true location against all others, without labels.

    Source: the point-wise ablation of LGSID (arXiv 2511.14221).
    """

    needs_own = True

    def forward(self, scores: Tensor, label: Tensor) -> Tensor:
        """Return the loss."""
        return pointwise_bce(scores)
