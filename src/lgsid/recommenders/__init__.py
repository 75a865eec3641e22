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
from lgsid.recommenders.scoring import ScoringRecommender

__all__ = [
    "CountingRecommender",
    "MostRecent",
    "NearestPlace",
    "NewPlaceFloor",
    "Popularity",
    "Ranked",
    "Recommender",
    "ScoringRecommender",
    "TimeKernel",
    "TimeTransition",
    "UserFrequency",
    "evaluate_counting",
]
