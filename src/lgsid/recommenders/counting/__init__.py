"""Counting baselines: recommenders with nothing to train, the floor of every comparison."""

from lgsid.recommenders.counting.category_popularity import CategoryPopularity
from lgsid.recommenders.counting.click_suite import CLICK_BASELINES, evaluate_counting_clicks
from lgsid.recommenders.counting.counting_recommender import CountingRecommender
from lgsid.recommenders.counting.new_place_floor import NewPlaceFloor
from lgsid.recommenders.counting.ranking_suite import BASELINES, evaluate_counting
from lgsid.recommenders.counting.simple_counts import (
    MostRecent,
    NearestPlace,
    Popularity,
    UserFrequency,
    VisitedBefore,
)
from lgsid.recommenders.counting.time_kernel import TimeKernel
from lgsid.recommenders.counting.time_transition import TimeTransition

__all__ = [
    "BASELINES",
    "CLICK_BASELINES",
    "CategoryPopularity",
    "CountingRecommender",
    "MostRecent",
    "NearestPlace",
    "NewPlaceFloor",
    "Popularity",
    "TimeKernel",
    "TimeTransition",
    "UserFrequency",
    "VisitedBefore",
    "evaluate_counting",
    "evaluate_counting_clicks",
]
