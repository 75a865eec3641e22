"""Metrics of the click-through task on check-ins."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from lgsid.functional.auc import auc, grouped_auc


class CTRMetrics(Metric):
    """AUC, GAUC by user, logloss, and AUC on near negatives alone; each also on new places and on revisits.

    Names of the results: `auc`, `gauc` (mean AUC of users weighted by their samples), `logloss`, `near_auc`
    (positives against the negatives drawn near the user's last place: otherwise distance explains it all), the same
    behind `new/` and `revisit/` (by what the positive of the query is to the user). What cannot be computed, such as
    the AUC of positives alone, is left out.

    Args:
        probabilities: Whether the scores are logits, so that they have a logloss.
    """

    full_state_update = False
    scores: list[Tensor]
    labels: list[Tensor]
    users: list[Tensor]
    nears: list[Tensor]
    news: list[Tensor]

    def __init__(self, probabilities: bool = True) -> None:
        super().__init__()
        self.probabilities = probabilities
        for name in ("scores", "labels", "users", "nears", "news"):
            self.add_state(name, [], dist_reduce_fx="cat")

    def update(self, score: Tensor, label: Tensor, user: Tensor, near: Tensor, is_new: Tensor) -> None:
        """Add samples.

        Args:
            score: Shape (B,), logits, or any scores where `probabilities` is off.
            label: Shape (B,), 1 or 0.
            user: Shape (B,) int64.
            near: Shape (B,) bool, positives and the negatives drawn near.
            is_new: Shape (B,) bool, whether the positive of the query is new to the user.
        """
        self.scores.append(score.detach().double())
        self.labels.append(label.double())
        self.users.append(user)
        self.nears.append(near)
        self.news.append(is_new)

    def compute(self) -> dict[str, Tensor]:
        """Return the metrics by name."""
        if not self.scores:
            return {}
        score, label = dim_zero_cat(self.scores), dim_zero_cat(self.labels)
        user, near, is_new = dim_zero_cat(self.users), dim_zero_cat(self.nears), dim_zero_cat(self.news)
        results: dict[str, Tensor] = {}
        for name, part in (("", torch.ones_like(is_new)), ("new/", is_new), ("revisit/", ~is_new)):
            if not part.any():
                continue
            areas, sizes = grouped_auc(score[part], label[part], user[part])
            results[f"{name}auc"] = auc(score[part], label[part])
            results[f"{name}gauc"] = (areas * sizes).sum() / sizes.sum()
            results[f"{name}near_auc"] = auc(score[part & near], label[part & near])
            if self.probabilities:
                results[f"{name}logloss"] = binary_cross_entropy_with_logits(score[part], label[part])
            results[f"{name}samples"] = part.sum()
        return {name: value.float() for name, value in results.items() if not value.isnan()}

    def __hash__(self) -> int:
        return id(self)
