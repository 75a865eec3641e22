"""The slices of queries, samples and items, each declared once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lgsid.metrics.metric_spec import SliceSpec

RANK_COLUMN, EXPLORE_COLUMN, COLD_COLUMN = "rank", "explore_rank", "cold_rank"


@dataclass(frozen=True)
class QuerySlice(SliceSpec):
    """A slice by whether the right place is new to the user.

    Args:
        member: `is_new (B,) bool -> (B,) bool`, for tensors and for arrays.
        rank_column: The column of `per_query.parquet` with the ranks that count in this slice.
        cold: Whether only places without (True) or with (False) a check-in before the test count.
    """

    member: Callable[[Any], Any]
    rank_column: str = RANK_COLUMN
    cold: bool | None = None


def everything(is_new: Any) -> Any:
    """Return a mask of true values, of the shape of `is_new`."""
    return is_new | ~is_new


def new(is_new: Any) -> Any:
    """Return `is_new` itself."""
    return is_new


def revisited(is_new: Any) -> Any:
    """Return where `is_new` is false."""
    return ~is_new


EXPLORE = QuerySlice(
    "explore/",
    "new among new",
    "Queries whose right place is new to the user, ranked among the places that are new to the user.",
    new,
    EXPLORE_COLUMN,
)

EXPLORE_WARM = QuerySlice(
    "explore/warm/",
    "warm among new",
    "Of these, queries whose right place had check-ins before the test.",
    new,
    EXPLORE_COLUMN,
    cold=False,
)

EXPLORE_COLD = QuerySlice(
    "explore/cold/",
    "cold among new",
    "Of these, queries whose right place had no check-in before the test.",
    new,
    EXPLORE_COLUMN,
    cold=True,
)

AMONG_COLD = QuerySlice(
    "among_cold/",
    "cold among cold",
    "The same, ranked among those places only that had no check-in before the test.",
    new,
    COLD_COLUMN,
    cold=True,
)

QUERY_SLICES = (
    QuerySlice("", "all queries", "Every test query.", everything),
    QuerySlice("new/", "new places", "Queries whose right place is new to the user, ranked among all places.", new),
    EXPLORE,
    EXPLORE_WARM,
    EXPLORE_COLD,
    AMONG_COLD,
    QuerySlice("revisit/", "revisits", "Queries whose right place the user has been to.", revisited),
)

ITEM_SLICES = (  # masks: lgsid.recommenders.evaluation.item_slices
    SliceSpec("head/", "head", "Queries whose right place is among the most visited fifth."),
    SliceSpec("tail/", "tail", "All others."),
    SliceSpec("cold/", "cold", "Queries whose right place had no check-in before the test."),
    SliceSpec("warm/", "warm", "All others."),
    SliceSpec("dense/", "dense areas", "Queries whose right place has more places around it than the median."),
    SliceSpec("sparse/", "sparse areas", "All others."),
)

CLICK_SLICES = (
    QuerySlice("", "all samples", "Every sample.", everything),
    QuerySlice("new/", "new places", "Samples whose place is new to the user.", new),
    QuerySlice("revisit/", "revisits", "Samples whose place the user has been to.", revisited),
)

ITEMS_SLICE = SliceSpec("", "all places", "Every place of the dataset.")


def ranking_slices() -> tuple[SliceSpec, ...]:
    """Return all slices of ranking metrics, in the order of tables."""
    return (*QUERY_SLICES, *ITEM_SLICES)
