"""Areas under ROC curves with ties counted half, over all samples or within groups."""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics.functional.classification import binary_auroc


def auc(scores: Tensor, labels: Tensor) -> Tensor:
    """Return the area under the ROC curve; equal scores count half, whatever the range of the scores.

    Scores are replaced by the numbers of their distinct values first: torchmetrics applies a sigmoid to values outside
    [0, 1], which would make large scores equal.

    Args:
        scores: Shape (S,), higher means more likely positive.
        labels: Shape (S,), 1 or 0.

    Returns:
        A float64 scalar, NaN where all labels are equal.
    """
    positives = int(labels.sum())
    if positives in (0, len(labels)):
        return torch.tensor(torch.nan, dtype=torch.float64, device=scores.device)
    number = torch.unique(scores, return_inverse=True)[1].double()
    return binary_auroc(number / (number.max() + 1), labels.long()).double()


def grouped_auc(scores: Tensor, labels: Tensor, group: Tensor) -> tuple[Tensor, Tensor]:
    """Return the AUC within each group, by mean ranks (Mann-Whitney), for all groups at once.

    Args:
        scores: Shape (S,).
        labels: Shape (S,), 1 or 0.
        group: Shape (S,) int64.

    Returns:
        AUC (G,) float64 of the groups that have both labels, and their sizes (G,) float64.
    """
    value = torch.unique(scores, return_inverse=True)[1]
    order = (group * (len(scores) + 1) + value).argsort()
    group, value, labels = group[order], value[order], labels[order].double()
    _, member, size = torch.unique_consecutive(group, return_inverse=True, return_counts=True)
    tie = torch.stack([group, value])
    _, run, length = torch.unique_consecutive(tie, dim=1, return_inverse=True, return_counts=True)
    first = length.cumsum(0) - length
    start = size.cumsum(0) - size
    rank = (first[run] - start[member]).double() + (length[run].double() + 1) / 2  # mean rank within the group, from 1
    positives = torch.bincount(member, labels, minlength=len(size))
    rank_sum = torch.bincount(member, labels * rank, minlength=len(size))
    negatives = size.double() - positives
    both = (positives > 0) & (negatives > 0)
    area = (rank_sum - positives * (positives + 1) / 2)[both] / (positives * negatives)[both]
    return area, size.double()[both]
