"""Metrics of the click-through task on check-ins."""

from __future__ import annotations

from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from lgsid.metrics import click_declarations as declared
from lgsid.metrics.slices import CLICK_SLICES


class CTRMetrics(Metric):
    """The metrics of `click_declarations`, over all samples and by whether the query's place is new to the user.

    The names of the results are the keys of the declarations, behind the key of their slice: `auc`, `new/gauc`,
    `revisit/near_auc`. `samples` counts the samples of each slice. What has no value, such as the AUC of positives
    alone, is left out.

    Args:
        probabilities: Whether the scores are logits, so that they have a log loss.
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
        self.metrics = declared.CLICK_METRICS
        for name in ("scores", "labels", "users", "nears", "news"):
            self.add_state(name, [], dist_reduce_fx="cat")

    def update(self, score: Tensor, label: Tensor, user: Tensor, near: Tensor, is_new: Tensor) -> None:
        """Add samples.

        Args:
            score: Shape (B,), logits, or any scores where `probabilities` is off.
            label: Shape (B,), 1 or 0.
            user: Shape (B,) int64.
            near: Shape (B,) bool, positives and the negatives sampled near the last place.
            is_new: Shape (B,) bool, whether the positive of the query is new to the user.
        """
        self.scores.append(score.detach().double())
        self.labels.append(label.double())
        self.users.append(user)
        self.nears.append(near)
        self.news.append(is_new)

    def compute(self) -> dict[str, Tensor]:
        """Return the metrics by name."""
        if not len(self.scores):  # a list of batches, or what all processes have in one tensor
            return {}
        score, label = dim_zero_cat(self.scores), dim_zero_cat(self.labels)
        user, near, is_new = dim_zero_cat(self.users), dim_zero_cat(self.nears), dim_zero_cat(self.news)
        results: dict[str, Tensor] = {}
        for part in CLICK_SLICES:
            inside = part.member(is_new)
            if not inside.any():
                continue
            samples = score[inside], label[inside]
            for metric in self.metrics:
                if isinstance(metric, declared.AreaMetric):
                    results[part.key + metric.key] = metric.value(*samples, near[inside])
                elif self.probabilities or not metric.of_logits:
                    results[part.key + metric.key] = metric.value(*samples, user[inside])
            results[f"{part.key}samples"] = inside.sum()
        return {name: value.float() for name, value in results.items() if not value.isnan()}

    def __hash__(self) -> int:
        return id(self)
