"""The numbers of judged vectors that tables compare. To add one, add a declaration here; nothing else has to change.

`lgsid evaluate` measures more than is compared: here is what has a title, a direction and a place in tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lgsid.metrics.metric_spec import MetricSpec, Shown, SliceSpec
from lgsid.metrics.neighborhood_declarations import COVERAGE, PURITY
from lgsid.metrics.next_place_declarations import (
    CUT_OFF,
    DISTANCE,
    HELD_OUT,
    HIT,
    LAST,
    MRR,
    NEXT_PLACE,
    ORIGINS,
    RetrievalNumber,
    with_distance,
)

NEIGHBORS = 5
PURITY_KEY, COVERAGE_KEY, ORACLE_KEY = (f"{name}@{NEIGHBORS}" for name in (PURITY, COVERAGE, "oracle_coverage"))
PRIMARY = f"{LAST.key}/{HIT.name}@{CUT_OFF}"
PLACE_SLICES = (
    SliceSpec("", "all places", "All places that are new to the user."),
    SliceSpec(HELD_OUT.key, HELD_OUT.title, "Only places that were held out from the alignment."),
)
IN_SUITE, IN_BOTH = Shown(suite=("",)), Shown(suite=tuple(part.key for part in PLACE_SLICES))
Measured = Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class VectorMetric(MetricSpec):
    """A number of one set of vectors.

    Args:
        value: What `lgsid evaluate` found of them (names without `after/`) and key of the slice -> the number, `None`
            where it was not measured.
        by_user: Whether the ranks of every query give it, so that it is compared by a bootstrap over users.
    """

    value: Callable[[Measured, str], float | None]
    by_user: bool = False


def of_ranking(ranking: SliceSpec, number: RetrievalNumber, shown: Shown) -> VectorMetric:
    """Declare a number of next-place retrieval."""
    key = f"{ranking.key}/{number.name}@{CUT_OFF}"
    return VectorMetric(
        key,
        f"{number.title}@{CUT_OFF}, {ranking.title}",
        ranking.help,
        value=lambda found, part: found.get(f"{NEXT_PLACE}/{part}{key}"),
        by_user=True,
        shown=shown,
    )


def neighborhood(key: str, title: str, help: str, higher: bool | None = True, shown: Shown = IN_SUITE) -> VectorMetric:
    """Declare a number of neighborhoods, measured in each slice."""
    return VectorMetric(key, title, help, higher, value=lambda found, part: found.get(part + key), shown=shown)


def finest_coverage(found: Measured, part: str) -> float | None:
    """Return coverage at the finest region level that was measured."""
    pattern = re.compile(rf"{re.escape(part)}coverage@{NEIGHBORS}/region_(\d+)")
    levels = {int(match[1]): value for key, value in found.items() if (match := pattern.fullmatch(key))}
    return levels[max(levels)] if levels else None


def share_of_oracle(found: Measured, part: str) -> float | None:
    """Return the coverage of the finest level over the largest that lists of the same purity can have."""
    coverage, oracle = finest_coverage(found, part), found.get(part + ORACLE_KEY)
    return None if coverage is None or not oracle else coverage / oracle


def of_sentences(name: str) -> Callable[[Measured, str], float | None]:
    """Return what reads a number of everyday sentences, which are of no slice."""
    return lambda found, part: None if part else found.get(f"sentences/{name}")


VECTOR_METRICS: tuple[VectorMetric, ...] = (
    *(
        of_ranking(ranking, number, IN_BOTH if number is HIT and origin is LAST else Shown())
        for origin in ORIGINS
        for ranking in (origin, with_distance(origin))
        for number in (HIT, MRR)
    ),
    neighborhood(
        f"purity@{NEIGHBORS}", f"purity@{NEIGHBORS}", "Share of the nearest vectors whose place has the same category."
    ),
    VectorMetric(
        COVERAGE_KEY,
        COVERAGE_KEY,
        "Share of the nearest vectors whose place is in the same region of the finest level.",
        value=finest_coverage,
        shown=IN_SUITE,
    ),
    VectorMetric(
        f"of_oracle@{NEIGHBORS}",
        "of the oracle's",
        "That coverage over the largest that any lists of neighbors of the same purity can have.",
        value=share_of_oracle,
        shown=IN_SUITE,
        explain=True,
    ),
    neighborhood(
        ORACLE_KEY,
        f"oracle's coverage@{NEIGHBORS}",
        "Largest coverage of the finest level that any lists of neighbors of the same purity can have.",
        None,
        Shown(),
    ),
    neighborhood(
        f"alike_1km@{NEIGHBORS}",
        "alike within 1 km",
        "Share of the nearest vectors whose place has the same category and is within 1 km.",
    ),
    neighborhood(
        f"median_km@{NEIGHBORS}",
        f"median km@{NEIGHBORS}",
        "Median distance of a place to those of the nearest vectors.",
        False,
    ),
    neighborhood("effective_rank", "effective rank", "Number of directions that the vectors use.", None, Shown()),
    VectorMetric(
        "sentences",
        "sentences",
        "Spearman's correlation with graded pairs of everyday sentences, over that before the alignment.",
        value=of_sentences("retention"),
        shown=IN_SUITE,
        explain=True,
    ),
)


def compared_numbers(found: Measured) -> dict[str, float]:
    """Return the numbers of one set of vectors under the keys of tables: slice and metric."""
    read = {part.key + metric.key: metric.value(found, part.key) for part in PLACE_SLICES for metric in VECTOR_METRICS}
    return {key: value for key, value in read.items() if value is not None}


def distance_numbers(control: Measured) -> dict[str, float]:
    """Return what nearness alone reaches, as if vectors added nothing to it: under the keys of `... + distance`."""
    numbers: dict[str, float] = {}
    for part in PLACE_SLICES:
        for number in (HIT, MRR):
            found = control.get(f"{NEXT_PLACE}/{part.key}{DISTANCE.key}/{number.name}@{CUT_OFF}")
            if found is not None:
                numbers |= {f"{part.key}{with_distance(o).key}/{number.name}@{CUT_OFF}": found for o in ORIGINS}
    return numbers
