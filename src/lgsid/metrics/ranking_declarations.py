"""The ranking metrics. To add one, add a declaration here; nothing else has to change.

`RankMetric`: a function of the rank of the right place, averaged over the queries of a slice, with intervals by a
bootstrap over users. `DistanceMetric`: a function of how far the first k places are. `CoverageMetric`: how much of the
catalogue anybody is shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from torch import Tensor

from lgsid.functional.ranking import hit_at, ndcg_at, reciprocal_rank_at
from lgsid.metrics.metric_spec import ALL, MetricSpec, Shown

PRIMARY = "mrr@10"
UNREACHABLE_KM = 10.0
FIRST = {1: "first", 5: "first five", 10: "first ten"}


@dataclass(frozen=True, kw_only=True)
class RankMetric(MetricSpec):
    """A mean over queries.

    Args:
        gain: Rank of the right place, from 1, shape (B,) int64 -> what the query adds, shape (B,) float64.
        full_rank: Whether the rank has to be known beyond the returned list.
    """

    gain: Callable[[Tensor], Tensor]
    full_rank: bool = False


@dataclass(frozen=True, kw_only=True)
class DistanceMetric(MetricSpec):
    """A mean over the first k places of all queries whose last place is known.

    Args:
        k: How many places of each query count.
        value: Kilometers from the last place, shape (S,) float64 -> what each place adds, shape (S,).
    """

    k: int
    value: Callable[[Tensor], Tensor]


@dataclass(frozen=True, kw_only=True)
class CoverageMetric(MetricSpec):
    """The share of the catalogue that occurs in the first k places of any query.

    Args:
        k: How many places of each query count.
    """

    k: int


def kilometers(km: Tensor) -> Tensor:
    """Return distances as they are, shape (S,)."""
    return km


def unreachable(km: Tensor) -> Tensor:
    """Return which distances in km, shape (S,), are beyond reach."""
    return km > UNREACHABLE_KM


RANK_METRICS: tuple[RankMetric, ...] = (
    RankMetric(
        "hit@1",
        "Hit@1",
        "Share of queries whose right place is ranked first.",
        gain=partial(hit_at, k=1),
        shown=Shown(report=("", "explore/"), suite=ALL, documents=("", "explore/")),
    ),
    RankMetric(
        "hit@5",
        "Hit@5",
        "Share of queries whose right place is among the first five.",
        gain=partial(hit_at, k=5),
        shown=Shown(documents=("explore/",)),
    ),
    RankMetric(
        "hit@10",
        "Hit@10",
        "Share of queries whose right place is among the first ten.",
        gain=partial(hit_at, k=10),
        shown=Shown(
            report=("", "new/", "explore/"),
            suite=("", "explore/", "explore/warm/", "explore/cold/", "among_cold/"),
            documents=("", "new/", "explore/"),
            figure=("", "explore/"),
        ),
    ),
    RankMetric(
        "ndcg@1",
        "NDCG@1",
        "Discounted gain of the right place at the first rank, the same as Hit@1.",
        gain=partial(ndcg_at, k=1),
        compared=False,
    ),
    RankMetric(
        "ndcg@5", "NDCG@5", "Discounted gain of the right place among the first five.", gain=partial(ndcg_at, k=5)
    ),
    RankMetric(
        "ndcg@10",
        "NDCG@10",
        "Discounted gain of the right place among the first ten.",
        gain=partial(ndcg_at, k=10),
        shown=Shown(details=ALL),
    ),
    RankMetric(
        "mrr@1",
        "MRR@1",
        "Mean of one over the rank of the right place, nothing beyond rank 1, the same as Hit@1.",
        gain=partial(reciprocal_rank_at, k=1),
        compared=False,
    ),
    RankMetric(
        "mrr@5",
        "MRR@5",
        "Mean of one over the rank of the right place, nothing beyond rank 5.",
        gain=partial(reciprocal_rank_at, k=5),
        compared=False,
    ),
    RankMetric(
        "mrr@10",
        "MRR@10",
        "Mean of one over the rank of the right place, nothing beyond rank 10.",
        gain=partial(reciprocal_rank_at, k=10),
        shown=Shown(
            report=("", "new/", "explore/", "revisit/"),
            suite=("", "explore/"),
            documents=("", "new/", "explore/"),
            figure=("", "explore/"),
        ),
    ),
    RankMetric(
        "mrr",
        "MRR",
        "Mean of one over the rank of the right place among all places.",
        gain=reciprocal_rank_at,
        full_rank=True,
        compared=False,
    ),
)

DISTANCE_METRICS: tuple[DistanceMetric, ...] = (
    *(
        DistanceMetric(
            f"km@{k}",
            f"km@{k}",
            f"Mean distance of the {first} from the user's last place.",
            None,
            2,
            k=k,
            value=kilometers,
            shown=Shown(details=ALL) if k == 10 else Shown(),
            compared=k == 10,
            explain=True,
        )
        for k, first in FIRST.items()
    ),
    *(
        DistanceMetric(
            f"unreachable@{k}",
            f"> {UNREACHABLE_KM:g} km",
            f"Share of the {first} that are over {UNREACHABLE_KM:g} km from the last place.",
            False,
            k=k,
            value=unreachable,
            shown=Shown(details=ALL) if k == 10 else Shown(),
            compared=k == 10,
            explain=True,
        )
        for k, first in FIRST.items()
    ),
)

COVERAGE_METRICS: tuple[CoverageMetric, ...] = tuple(
    CoverageMetric(
        f"catalogue_coverage@{k}",
        "coverage",
        f"Share of all places that somebody's {first} hold.",
        k=k,
        shown=Shown(details=ALL) if k == 10 else Shown(),
        compared=k == 10,
        explain=True,
    )
    for k, first in FIRST.items()
)


def ranking_metrics() -> tuple[MetricSpec, ...]:
    """Return all ranking metrics, in the order of tables."""
    return (*RANK_METRICS, *DISTANCE_METRICS, *COVERAGE_METRICS)


def compared_rank_metrics() -> tuple[RankMetric, ...]:
    """Return the metrics that the bootstrap over users computes from ranks inside the returned lists."""
    return tuple(metric for metric in RANK_METRICS if metric.compared and not metric.full_rank)
