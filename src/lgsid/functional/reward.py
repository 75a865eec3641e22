"""List-wise and point-wise losses of the reward model (docs/method.md, section 1)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from lgsid.functional.lists import rank_labels


def weighted_bce(scores: Tensor, distance: Tensor) -> Tensor:
    """Return `-1/B sum_i sum_j p_ij log sigmoid(r_ij)` with labels `p_ij = C - rank + 1`.

    The paper's loss as printed (arXiv 2511.14221). It has no negative term: with free logits every score rises.

    Args:
        scores: r, shape (B, C).
        distance: Any unit, shape (B, C).

    Returns:
        A scalar.
    """
    return -(rank_labels(distance) * F.logsigmoid(scores)).sum(dim=-1).mean()


def soft_target_bce(scores: Tensor, distance: Tensor) -> Tensor:
    """Return the binary cross-entropy against targets p / C. Our reading; shapes as in `weighted_bce`."""
    targets = rank_labels(distance) / scores.shape[-1]
    return F.binary_cross_entropy_with_logits(scores, targets)


def listwise_softmax(scores: Tensor, distance: Tensor) -> Tensor:
    """Return the cross-entropy of the softmax over a list against p / sum p. Our reading; shapes as above."""
    labels = rank_labels(distance)
    targets = labels / labels.sum(dim=-1, keepdim=True)
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
