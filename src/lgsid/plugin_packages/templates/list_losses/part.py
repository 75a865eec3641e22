"""Policy gradients with the other lists as the baseline."""

from __future__ import annotations

from torch import Tensor

from lgsid.recommenders import ListLoss


class PartName(ListLoss):
    """Raise the probability of lists that are better than the others of their query: `-mean_g A_g log p(S_g)`.

    The advantage `A_g` of a list is its reward less the mean reward of the other lists of the query; that of the only
    list of a query is 0.

    Source: REINFORCE with a leave-one-out baseline (Ahmadian et al. 2024, arXiv 2402.14740).
    """

    def forward(self, log_prob: Tensor, reference: Tensor, reward: Tensor, listed: Tensor) -> Tensor:
        """Return the loss, a scalar.

        Args:
            log_prob: Log-probabilities of the lists under the policy, shape (B, G).
            reference: The same under the reference that gave the lists, shape (B, G).
            reward: Their rewards, shape (B, G).
            listed: Shape (B, G) bool, False where there is no list.
        """
        there = reward.masked_fill(~listed, 0.0)
        n = listed.sum(1, keepdim=True)
        others = (there.sum(1, keepdim=True) - there) / (n - 1).clamp_min(1)
        advantage = (there - others).masked_fill(~listed | (n < 2), 0.0)
        return -(advantage * log_prob.masked_fill(~listed, 0.0)).sum() / listed.sum().clamp_min(1)
