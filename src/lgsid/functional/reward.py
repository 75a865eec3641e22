"""List-wise and point-wise losses of the reward model (docs/method.md, section 1)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def weighted_bce(scores: Tensor, label: Tensor) -> Tensor:
    """Return `-1/B sum_i sum_j p_ij log sigmoid(r_ij)` with labels p.

    The paper's loss as printed (arXiv 2511.14221). It has no negative term: with free logits every score rises.

    Args:
        scores: r, shape (B, C).
        label: p, not negative and not all zero in a list, shape (B, C).

    Returns:
        A scalar.
    """
    return -(label * F.logsigmoid(scores)).sum(dim=-1).mean()


def soft_target_bce(scores: Tensor, label: Tensor) -> Tensor:
    """Return the binary cross-entropy against targets p / max p. Our reading; shapes as in `weighted_bce`."""
    targets = label / label.amax(dim=-1, keepdim=True)
    return F.binary_cross_entropy_with_logits(scores, targets)


def listwise_softmax(scores: Tensor, label: Tensor) -> Tensor:
    """Return the cross-entropy of the softmax over a list against p / sum p. Our reading; shapes as above."""
    targets = label / label.sum(dim=-1, keepdim=True)
    return -(targets * F.log_softmax(scores, dim=-1)).sum(dim=-1).mean()


def pointwise_bce(scores: Tensor) -> Tensor:
    """Return the binary cross-entropy of the true location (column 0) against the rest, the paper's ablation.

    Args:
        scores: Shape (B, C).

    Returns:
        A scalar.
    """
    targets = torch.zeros_like(scores)
    targets[:, 0] = 1.0
    return F.binary_cross_entropy_with_logits(scores, targets)
