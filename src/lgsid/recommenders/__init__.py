"""Recommenders: generative, discriminative, counting."""

from lgsid.recommenders.base import Ranked, Recommender
from lgsid.recommenders.counting import (
    CountingRecommender,
    MostRecent,
    NearestPlace,
    NewPlaceFloor,
    Popularity,
    TimeKernel,
    TimeTransition,
    UserFrequency,
    evaluate_counting,
)
from lgsid.recommenders.generative import (
    TIGER,
    HistoryCopy,
    HistoryTokens,
    NodeGeography,
    SeparateTokens,
    SummedTokens,
)
from lgsid.recommenders.scoring import ScoringRecommender

__all__ = [
    "TIGER",
    "CountingRecommender",
    "HistoryCopy",
    "HistoryTokens",
    "MostRecent",
    "NearestPlace",
    "NewPlaceFloor",
    "NodeGeography",
    "Popularity",
    "Ranked",
    "Recommender",
    "ScoringRecommender",
    "SeparateTokens",
    "SummedTokens",
    "TimeKernel",
    "TimeTransition",
    "UserFrequency",
    "evaluate_counting",
]
