"""Losses that move a generator of lists towards those of high reward."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from lgsid.construction import Describable
from lgsid.errors import LgsidError
from lgsid.functional.policy import early_clipped_policy_loss, group_advantages
from lgsid.functional.preference import pairwise_preference_loss


class ListLoss(Describable, nn.Module, ABC):
    """Turn the rewards of the lists of each query, and their probabilities, into a loss."""

    def chosen(self, reward: Tensor, listed: Tensor) -> Tensor:
        """Return which lists it reads, all by default: their probabilities are not computed otherwise.

        Args:
            reward: Shape (B, G), of G lists of each query.
            listed: Shape (B, G) bool, False where there are fewer lists.

        Returns:
            Shape (B, C) int64, positions among the G lists.
        """
        return torch.arange(reward.shape[1], device=reward.device).expand_as(reward)

    @abstractmethod
    def forward(self, log_prob: Tensor, reference: Tensor, reward: Tensor, listed: Tensor) -> Tensor:
        """Return the loss, a scalar.

        Args:
            log_prob: Log-probabilities of the chosen lists under the policy, shape (B, C).
            reference: The same under the reference that gave the lists, shape (B, C).
            reward: Their rewards, shape (B, C).
            listed: Shape (B, C) bool, False where there is no list.
        """


class BestWorstDPO(ListLoss):
    """Direct preference optimization on the list of the highest and that of the lowest reward.

    `-log sigmoid(beta [log p(S_w) - log p_ref(S_w) - log p(S_l) + log p_ref(S_l)])` (OneRec, arXiv 2502.18965, section
    3.3; DPO, arXiv 2305.18290, equation 7), mean over the queries whose lists differ in reward.

    Args:
        beta: Scale of the margin.
    """

    def __init__(self, beta: float = 0.1) -> None:
        super().__init__()
        if not beta > 0:
            raise LgsidError(f"BestWorstDPO: beta must be positive, not {beta}")
        self.beta = beta

    def chosen(self, reward: Tensor, listed: Tensor) -> Tensor:
        """Return the best and the worst list of each query, shape (B, 2); of equal ones the more probable."""
        best = reward.masked_fill(~listed, -torch.inf).argmax(1)
        worst = reward.masked_fill(~listed, torch.inf).argmin(1)
        return torch.stack([best, worst], 1)

    def forward(self, log_prob: Tensor, reference: Tensor, reward: Tensor, listed: Tensor) -> Tensor:
        """Return the mean loss of the pairs; 0 where no query has one."""
        pair = (reward[:, 0] > reward[:, 1]) & listed.all(1)
        if not bool(pair.any()):
            return log_prob[pair].sum()
        policy, still = log_prob[pair], reference[pair]
        return pairwise_preference_loss(policy[:, 0], policy[:, 1:], still[:, 0], still[:, 1:], self.beta)


class ECPO(ListLoss):
    """Early clipped policy optimization over all lists of a query (OneRec technical report, arXiv 2506.13695).

    The advantage of a list is its reward among those of its query, centered and scaled. The ratio of its probabilities
    is clipped as in PPO; that of a list of negative advantage never counts more than `1 + epsilon + delta`, which
    bounds its gradient (`functional.policy.early_clipped_policy_loss`).

    Args:
        epsilon: Half the width of the clip range of the ratio of probabilities.
        delta: How far above it the ratio may be for negative advantages.
    """

    def __init__(self, epsilon: float = 0.2, delta: float = 0.1) -> None:
        super().__init__()
        if not (0 < epsilon < 1 and delta > 0):
            raise LgsidError(f"ECPO: epsilon must be within 0..1 and delta positive, not {epsilon} and {delta}")
        self.epsilon, self.delta = epsilon, delta

    def forward(self, log_prob: Tensor, reference: Tensor, reward: Tensor, listed: Tensor) -> Tensor:
        """Return the mean negative objective of the lists."""
        advantage = group_advantages(reward, listed)
        there = listed & (advantage != 0)
        policy, still = log_prob.masked_fill(~there, 0.0), reference.masked_fill(~there, 0.0)
        loss = early_clipped_policy_loss(policy, still, advantage, self.epsilon, self.delta)
        return loss.masked_fill(~there, 0.0).sum() / listed.sum().clamp_min(1)
