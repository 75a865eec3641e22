"""Policy optimization over groups of answers: tensors in, tensors out.

B is the number of queries, G that of answers of each. They take any floating type and any device.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def group_advantages(reward: Tensor, there: Tensor | None = None) -> Tensor:
    """Return the rewards of each group, centered and divided by their standard deviation.

    `A_i = (r_i - mean r) / std r` (GRPO, Shao et al. 2024, arXiv 2402.03300), std that of the group itself.

    Args:
        reward: Shape (B, G).
        there: Shape (B, G) bool, False at padding, which gets 0.

    Returns:
        Shape (B, G); 0 in groups whose rewards are all equal.
    """
    mask = torch.ones_like(reward) if there is None else there.to(reward.dtype)
    count = mask.sum(1, keepdim=True).clamp_min(1)
    centered = (reward - (reward * mask).sum(1, keepdim=True) / count) * mask
    deviation = (centered.square().sum(1, keepdim=True) / count).sqrt()
    equal = deviation <= 1e-6 * (1 + reward.abs().amax(1, keepdim=True))
    return torch.where(equal, 0.0, centered / torch.where(equal, 1.0, deviation))


def clipped_policy_loss(log_prob: Tensor, old_log_prob: Tensor, advantage: Tensor, epsilon: float) -> Tensor:
    """Return the negative clipped surrogate of PPO, elementwise.

    `-min(q A, clip(q, 1 - epsilon, 1 + epsilon) A)` with the ratio `q = p / p_old` (Schulman et al. 2017, arXiv
    1707.06347, equation 7). No gradient where q has left the clip range in the direction that A asks for; for A < 0 and
    a large q there is one, however large.

    Args:
        log_prob: Log-probabilities of answers under the policy.
        old_log_prob: The same under the policy that gave the answers.
        advantage: How much better than expected they are.
        epsilon: Half the width of the clip range.

    Returns:
        The same shape.
    """
    ratio = (log_prob - old_log_prob).exp()
    return -torch.minimum(ratio * advantage, ratio.clamp(1 - epsilon, 1 + epsilon) * advantage)


def early_clipped_policy_loss(
    log_prob: Tensor, old_log_prob: Tensor, advantage: Tensor, epsilon: float, delta: float
) -> Tensor:
    """Return the negative objective of early clipped policy optimization (ECPO), elementwise.

    `clipped_policy_loss` with `p_old' = max(sg(p) / (1 + epsilon + delta), p_old)` in place of p_old (OneRec technical
    report, arXiv 2506.13695, section 2.4.1): the ratio never exceeds `1 + epsilon + delta`. Answers of negative
    advantage whose probability has grown more than that have a value and a gradient, `-(1 + epsilon + delta) A` times
    that of log p, that grow no further; all others are those of `clipped_policy_loss`.

    Args:
        log_prob: Log-probabilities of answers under the policy.
        old_log_prob: The same under the policy that gave the answers.
        advantage: How much better than expected they are.
        epsilon: Half the width of the clip range.
        delta: How far above it the ratio may be for negative advantages, positive.

    Returns:
        The same shape.
    """
    old = torch.maximum(log_prob.detach() - math.log(1 + epsilon + delta), old_log_prob)
    return clipped_policy_loss(log_prob, old, advantage, epsilon)
