"""The metrics of the click-through task. To add one, add a declaration here; nothing else has to change.

`AreaMetric`: the area under the ROC curve of some of the samples. `UserMeanMetric`: a sum over users divided by another
sum over users, such as a mean inside each user. Both have intervals by a bootstrap over users.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from lgsid.functional.auc import auc, grouped_auc
from lgsid.metrics.metric_spec import ALL, MetricSpec, Shown

PRIMARY = "auc"
Sums = tuple[Tensor, Tensor]


@dataclass(frozen=True, kw_only=True)
class AreaMetric(MetricSpec):
    """Area under the ROC curve.

    Args:
        only_near: Whether only positives and the negatives drawn near the last place count.
    """

    only_near: bool = False

    def value(self, score: Tensor, label: Tensor, near: Tensor) -> Tensor:
        """Return the area over samples, each of shape (S,); NaN where all labels are equal."""
        return auc(score[near], label[near]) if self.only_near else auc(score, label)


@dataclass(frozen=True, kw_only=True)
class UserMeanMetric(MetricSpec):
    """A mean whose numerator and denominator are sums over users.

    Args:
        by_user: `(score (S,) float64, label (S,) float64 1 or 0, owner (S,) int64 from 0 to U - 1, U)` -> numerator and
            denominator of each user, both (U,) float64.
        of_logits: Whether scores have to be logits.
    """

    by_user: Callable[[Tensor, Tensor, Tensor, int], Sums]
    of_logits: bool = False

    def value(self, score: Tensor, label: Tensor, user: Tensor) -> Tensor:
        """Return the mean over samples, each of shape (S,); NaN where the denominator is 0."""
        users, owner = torch.unique(user, return_inverse=True)
        total, size = self.by_user(score, label, owner, len(users))
        return total.sum() / size.sum()


def area_of_users(score: Tensor, label: Tensor, owner: Tensor, n_users: int) -> Sums:
    """Return the AUC of each user times samples, and samples; both 0 for users without both labels."""
    total, size = torch.zeros(2, n_users, dtype=torch.float64, device=score.device)
    positives = torch.bincount(owner, label, minlength=n_users)
    both = (positives > 0) & (positives < torch.bincount(owner, minlength=n_users))
    areas, sizes = grouped_auc(score, label, owner)
    size[both] = sizes
    total[both] = areas * sizes
    return total, size


def loss_of_users(score: Tensor, label: Tensor, owner: Tensor, n_users: int) -> Sums:
    """Return the sum of the negative log-likelihoods of each user's samples, and their number."""
    losses = binary_cross_entropy_with_logits(score, label, reduction="none")
    return torch.bincount(owner, losses, minlength=n_users), torch.bincount(owner, minlength=n_users).double()


CLICK_METRICS: tuple[AreaMetric | UserMeanMetric, ...] = (
    AreaMetric(
        "auc",
        "AUC",
        "Chance that a place somebody went to scores above one that nobody did.",
        digits=4,
        shown=Shown(report=("", "new/"), suite=("", "new/"), documents=ALL),
    ),
    UserMeanMetric(
        "gauc",
        "GAUC",
        "AUC inside each user, averaged with the user's number of samples.",
        digits=4,
        by_user=area_of_users,
        shown=Shown(report=ALL, suite=ALL, documents=ALL),
    ),
    AreaMetric(
        "near_auc",
        "AUC, near",
        "AUC against the negatives that are as far from the last place as positives are.",
        digits=4,
        only_near=True,
        shown=Shown(report=ALL, suite=ALL, documents=ALL),
        explain=True,
    ),
    UserMeanMetric(
        "logloss",
        "log loss",
        "Mean negative log-likelihood, for scores that are probabilities.",
        False,
        4,
        by_user=loss_of_users,
        of_logits=True,
        shown=Shown(report=ALL, suite=ALL),
    ),
)
