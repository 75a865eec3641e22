"""The metrics of a reward on held-out lists. To add one, add a declaration here; nothing else has to change.

Each is measured for the scores of the reward, for the plain cosine of the encoder's vectors, for nearness and, where
that is not zero, for scores by chance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from lgsid.functional.lists import chance_ndcg, ndcg, spearman
from lgsid.metrics.metric_spec import MetricSpec, Shown, SliceSpec

PRIMARY = "spearman"
LENGTH = 10

REWARD, COSINE, NEARNESS, CHANCE = (
    SliceSpec("", "reward", "Scores of the reward."),
    SliceSpec("cosine_", "frozen cosine", "Cosine of the encoder's vectors, without a reward head."),
    SliceSpec("nearness_", "nearness", "Minus the distance."),
    SliceSpec("chance_", "chance", "Expectation for scores in random order."),
)
SCORE_KINDS = (REWARD, COSINE, NEARNESS, CHANCE)


@dataclass(frozen=True, kw_only=True)
class ListMetric(MetricSpec):
    """A mean over lists of candidates.

    Args:
        value: Scores (B, C), higher is better, labels (B, C), higher is better, and distances (B, C) -> the metric of
            each list, (B,).
        chance: Labels (B, C) -> the expectation for scores in random order (B,); `None` if that is 0.
    """

    value: Callable[[Tensor, Tensor, Tensor], Tensor]
    chance: Callable[[Tensor], Tensor] | None = None


LIST_METRICS: tuple[ListMetric, ...] = (
    ListMetric(
        "spearman",
        "Spearman",
        "Rank correlation of the score with minus the distance.",
        value=lambda scores, _, distance: spearman(scores, -distance),
        shown=Shown(report=("", "cosine_"), documents=("", "cosine_")),
        explain=True,
    ),
    ListMetric(
        f"ndcg@{LENGTH}",
        f"NDCG@{LENGTH}",
        f"NDCG of the first {LENGTH} candidates by label: rank by distance from the end, or number of next visits.",
        value=lambda scores, label, _: ndcg(scores, label, LENGTH),
        chance=lambda label: chance_ndcg(label, LENGTH),
        shown=Shown(report=("", "cosine_", "nearness_", "chance_"), documents=("", "cosine_", "nearness_", "chance_")),
    ),
)


def list_metrics(scores: Tensor, cosine: Tensor, label: Tensor, distance: Tensor) -> dict[str, Tensor]:
    """Return all metrics of each list by name, shape (B,) each.

    Args:
        scores: Scores of the reward, shape (B, C).
        cosine: Cosines of the encoder's vectors, shape (B, C).
        label: Labels, shape (B, C).
        distance: Distances, shape (B, C).
    """
    found: dict[str, Tensor] = {}
    scored = ((REWARD, scores), (COSINE, cosine), (NEARNESS, -distance))
    for metric in LIST_METRICS:
        found |= {kind.key + metric.key: metric.value(values, label, distance) for kind, values in scored}
        if metric.chance is not None:
            found[CHANCE.key + metric.key] = metric.chance(label)
    return found
