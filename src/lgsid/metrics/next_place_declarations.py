"""What next-place retrieval measures: where a ranking starts from, the controls, the slices and the numbers.

A key of a result is slice, ranking and number: `held_out/last+distance/hit@10`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from lgsid.functional.ranking import hit_at, reciprocal_rank_at
from lgsid.functional.retrieval import chance_hit, chance_reciprocal_rank
from lgsid.metrics.metric_spec import SliceSpec

NEXT_PLACE, CUT_OFF = "next_place", 10
"""What the keys of retrieval start with, and the k that tables have."""

WEIGHTS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""The weights of nearness that are tried on validation queries."""

LAST, HISTORY = (
    SliceSpec("last", "last", "Places by cosine with the user's last place."),
    SliceSpec("history", "history", "Places by cosine with the mean of the unit vectors of all past check-ins."),
)
ORIGINS = (LAST, HISTORY)

DISTANCE, CHANCE = (
    SliceSpec("distance", "distance", "Places by distance from the user's last place."),
    SliceSpec("chance", "chance", "Expectation for places in random order, popular or not."),
)


def with_distance(origin: SliceSpec) -> SliceSpec:
    """Return the ranking by cosine and distance together."""
    return SliceSpec(
        f"{origin.key}+{DISTANCE.key}",
        f"{origin.title} + distance",
        f"{origin.help[:-1]} and by distance, its weight chosen on validation queries.",
    )


RANKINGS = (*ORIGINS, *(with_distance(origin) for origin in ORIGINS), DISTANCE)
"""The rankings of which there are ranks; chance is an expectation."""

WARM, COLD, HELD_OUT = (
    SliceSpec("warm/", "warm", "Queries whose next place has training check-ins."),
    SliceSpec("cold/", "cold", "Queries whose next place has none."),
    SliceSpec("held_out/", "held out", "Queries whose next place was held out from the alignment."),
)
NEXT_PLACE_SLICES = (SliceSpec("", "all", "All queries."), WARM, COLD, HELD_OUT)


@dataclass(frozen=True)
class RetrievalNumber:
    """A mean over queries.

    Args:
        name: The key without k.
        title: The heading without k.
        gain: Ranks from 1 (B,) and k -> what each query adds (B,) float64.
        chance: Number of places that compete (B,) and k -> the expectation of `gain` in random order (B,) float64.
    """

    name: str
    title: str
    gain: Callable[[Tensor, int], Tensor]
    chance: Callable[[Tensor, int], Tensor]


HIT = RetrievalNumber("hit", "Hit", hit_at, chance_hit)
MRR = RetrievalNumber("mrr", "MRR", reciprocal_rank_at, chance_reciprocal_rank)
RETRIEVAL_NUMBERS = (HIT, MRR)
