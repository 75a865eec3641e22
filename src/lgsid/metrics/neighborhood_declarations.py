"""What is measured of the neighborhoods of embeddings. To add a metric, add a declaration here; nothing else changes.

Keys and titles are templates: `{k}` is the number of neighbors, `{level}` a region level from 1 (coarse to fine) and
`{region}` what that level is called.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

from torch import Tensor

from lgsid.functional.neighborhood import (
    agreement_at_k,
    effective_rank,
    km_quantile_at_k,
    mean_cosine,
    median_km_at_k,
    near_and_alike_at_k,
)
from lgsid.functional.neighborhood_bounds import coverage_bound_at_purity, near_and_alike_bound_at_k
from lgsid.metrics.metric_spec import ALL, MetricSpec, Shown

COVERAGE, PURITY = "coverage", "purity"
RADII_KM = (1, 3, 10)
"""Within which neighbors of the same category are near and alike."""


@dataclass(frozen=True)
class Neighborhoods:
    """N embeddings, their nearest neighbors, and where the items are.

    Args:
        vectors: Shape (N, D).
        neighbors: Rows of the k nearest vectors, shape (Q, k) int64.
        region: Codes of the R region levels, coarse to fine, shape (N, R) int64, 0 is unknown.
        category: Shape (N,) int64, 0 is unknown.
        lat_deg: Shape (N,) float64.
        lon_deg: Shape (N,) float64.
        rows: Items whose neighbors they are, shape (Q,) int64; all items if none.
        reference: Vectors to compare each item's own with, shape (N, D).
        category_group: Shape (N,) int64, 0 is unknown.
        members: Items that all this is about, of which `rows` may be a sample, shape (M,) int64; all items if none.
    """

    vectors: Tensor
    neighbors: Tensor
    region: Tensor
    category: Tensor
    lat_deg: Tensor
    lon_deg: Tensor
    rows: Tensor | None = None
    reference: Tensor | None = None
    category_group: Tensor | None = None
    members: Tensor | None = None

    def of_members(self, values: Tensor) -> Tensor:
        """Return the rows of a table of all items (N, ...) that all this is about, (M, ...)."""
        return values if self.members is None else values[self.members]


def near_and_alike(found: Neighborhoods, level: int, km: float) -> Tensor:
    """Return the share of neighbors of the same category within a radius; `level` does not matter."""
    places = (found.category, found.lat_deg, found.lon_deg)
    return near_and_alike_at_k(found.neighbors, *places, km, found.rows)


def near_and_alike_bound(found: Neighborhoods, level: int, km: float) -> Tensor:
    """Return the most of `near_and_alike` that there is; `level` does not matter."""
    k = found.neighbors.shape[1]
    return near_and_alike_bound_at_k(found.category, found.lat_deg, found.lon_deg, k, km, found.rows)


def agreement_bound(found: Neighborhoods, codes: Tensor | None) -> Tensor | None:
    """Return the largest share of neighbors with an item's own code (N,) that any lists can have."""
    k = found.neighbors.shape[1]
    return None if codes is None else coverage_bound_at_purity(codes, codes, k, 0.0, found.rows)


def oracle_coverage(found: Neighborhoods, level: int = -1) -> Tensor | None:
    """Return the largest coverage of a region level that any lists as pure as these can have; the finest by default."""
    if not found.region.shape[1]:
        return None
    purity = float(agreement_at_k(found.neighbors, found.category, found.rows))
    k = found.neighbors.shape[1]
    return coverage_bound_at_purity(found.region[:, level], found.category, k, purity, found.rows)


Measure = Callable[[Neighborhoods, int], Tensor | None]


@dataclass(frozen=True, kw_only=True)
class NeighborhoodMetric(MetricSpec):
    """A number of the neighborhoods.

    Args:
        name: The key without numbers.
        value: Neighborhoods and region level from 0 (0 where there are none) -> a scalar, NaN where it has no value;
            `None` where it cannot be measured.
        by_region: Whether there is one for each region level.
        every_k: Whether it is measured for further numbers of neighbors, too.
        bound: The largest value that any lists of neighbors can have, by the same arguments; of the neighbors, their
            number counts alone. `None` where no bound is known.
        bar: Template of the label of its pair of bars in the figure, empty for none.
        unit: What the bars show.
    """

    name: str
    value: Measure
    by_region: bool = False
    every_k: bool = False
    bound: Measure | None = None
    bar: str = ""
    unit: Literal["share", "km"] = "share"

    def key_at(self, k: int, level: int = 0) -> str:
        """Return the name in result files, for k neighbors and a region level from 0."""
        return self.key.format(k=k, level=level + 1)


@dataclass(frozen=True)
class MeasuredNeighborhood:
    """A key of a result file, read by its declaration.

    Args:
        metric: The declaration.
        key: The key: `coverage@5/region_2`.
        k: Number of neighbors, 0 where the key has none.
        level: Region level from 1, 0 where the key has none.
    """

    metric: NeighborhoodMetric
    key: str
    k: int
    level: int

    def title(self, regions: Mapping[int, str] | None = None) -> str:
        """Return the heading: `coverage@5, district`. `regions`: level from 1 -> what it is called."""
        return self._filled(self.metric.title, regions)

    def bar(self, regions: Mapping[int, str] | None = None) -> str:
        """Return the label of its pair of bars."""
        return self._filled(self.metric.bar, regions)

    def _filled(self, template: str, regions: Mapping[int, str] | None) -> str:
        region = (regions or {}).get(self.level, f"region_{self.level}")
        return template.format(k=self.k, level=self.level, region=region)


NEIGHBORHOOD_METRICS: tuple[NeighborhoodMetric, ...] = (
    NeighborhoodMetric(
        "coverage@{k}/region_{level}",
        "coverage@{k}, {region}",
        "Share of the nearest vectors whose place is in the same region.",
        name=COVERAGE,
        value=lambda found, level: agreement_at_k(found.neighbors, found.region[:, level], found.rows),
        bound=lambda found, level: agreement_bound(found, found.region[:, level]),
        by_region=True,
        every_k=True,
        bar="{region}",
        shown=Shown(report=ALL, documents=ALL),
        explain=True,
    ),
    NeighborhoodMetric(
        "purity@{k}",
        "purity@{k}",
        "Share of the nearest vectors whose place has the same category.",
        name=PURITY,
        value=lambda found, _: agreement_at_k(found.neighbors, found.category, found.rows),
        bound=lambda found, _: agreement_bound(found, found.category),
        bar="category",
        shown=Shown(report=ALL, documents=ALL),
        explain=True,
    ),
    NeighborhoodMetric(
        "group_purity@{k}",
        "purity@{k}, group",
        "Share of the nearest vectors whose place has a category of the same group.",
        name="group_purity",
        value=lambda found, _: (
            None if found.category_group is None else agreement_at_k(found.neighbors, found.category_group, found.rows)
        ),
        bound=lambda found, _: agreement_bound(found, found.category_group),
        shown=Shown(report=ALL),
    ),
    NeighborhoodMetric(
        "oracle_coverage@{k}",
        "oracle's coverage@{k}, finest",
        "Largest coverage of the finest level that any lists of neighbors of the same purity can have.",
        name="oracle_coverage",
        value=lambda found, _: oracle_coverage(found),
        shown=Shown(report=ALL),
    ),
    *(
        NeighborhoodMetric(
            f"alike_{km}km@{{k}}",
            f"alike within {km} km@{{k}}",
            f"Share of the nearest vectors whose place has the same category and is within {km} km.",
            name=f"alike_{km}km",
            value=partial(near_and_alike, km=km),
            bound=partial(near_and_alike_bound, km=km),
            shown=Shown(report=ALL),
        )
        for km in RADII_KM
    ),
    NeighborhoodMetric(
        "median_km@{k}",
        "median km@{k}",
        "Median distance of a place to the places of the nearest vectors.",
        False,
        name="median_km",
        value=lambda found, _: median_km_at_k(found.neighbors, found.lat_deg, found.lon_deg, found.rows),
        bar="median",
        unit="km",
        shown=Shown(report=ALL, documents=ALL),
    ),
    NeighborhoodMetric(
        "p90_km@{k}",
        "90th percentile km@{k}",
        "Distance within which nine of ten places of the nearest vectors are.",
        False,
        name="p90_km",
        value=lambda found, _: km_quantile_at_k(found.neighbors, found.lat_deg, found.lon_deg, 0.9, found.rows),
        unit="km",
        shown=Shown(report=ALL),
    ),
    NeighborhoodMetric(
        "cosine_to_reference",
        "cosine to before",
        "Mean cosine of a vector with that of the same place before the alignment.",
        name="cosine_to_reference",
        value=lambda found, _: (
            None
            if found.reference is None
            else mean_cosine(found.of_members(found.vectors), found.of_members(found.reference))
        ),
        shown=Shown(report=ALL, documents=ALL),
    ),
    NeighborhoodMetric(
        "effective_rank",
        "effective rank",
        "Number of directions that the vectors use.",
        None,
        name="effective_rank",
        value=lambda found, _: effective_rank(found.of_members(found.vectors)),
        shown=Shown(report=ALL, documents=ALL),
    ),
)


def measured_neighborhoods(keys: Iterable[str]) -> list[MeasuredNeighborhood]:
    """Read keys of a result file, in the order of the declarations, regions coarse to fine, without unknown keys."""
    known, found = sorted(set(keys)), []
    for metric in NEIGHBORHOOD_METRICS:
        pattern = re.escape(metric.key).replace(r"\{k\}", r"(?P<k>\d+)").replace(r"\{level\}", r"(?P<level>\d+)")
        matches = [match for key in known if (match := re.fullmatch(pattern, key))]
        parts = [{name: int(value) for name, value in match.groupdict().items()} for match in matches]
        read = [
            MeasuredNeighborhood(metric, match[0], part.get("k", 0), part.get("level", 0))
            for match, part in zip(matches, parts, strict=True)
        ]
        found += sorted(read, key=lambda one: (one.k, one.level))
    return found
