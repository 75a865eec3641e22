"""Recommenders: generative, discriminative, counting."""

from lgsid.recommenders.catalogue import Catalogue
from lgsid.recommenders.click import (
    DIN,
    DiscriminativeRecommender,
    DistanceFeatures,
    DistancePopularity,
    LevelSids,
    LogDistance,
    NoDistance,
    NoSids,
    PrefixSids,
    SidFeatures,
)
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
    GenerativeRecommender,
    HistoryCopy,
    HistoryTokens,
    NodeGeography,
    SeparateTokens,
    SummedTokens,
)
from lgsid.recommenders.live import LiveRecommender, recommend
from lgsid.recommenders.recommendations import Recommendation, Recommendations
from lgsid.recommenders.recommender import Ranked, Recommender
from lgsid.recommenders.scoring_recommender import ScoringRecommender

__all__ = [
    "DIN",
    "TIGER",
    "Catalogue",
    "CountingRecommender",
    "DiscriminativeRecommender",
    "DistanceFeatures",
    "DistancePopularity",
    "GenerativeRecommender",
    "HistoryCopy",
    "HistoryTokens",
    "LevelSids",
    "LiveRecommender",
    "LogDistance",
    "MostRecent",
    "NearestPlace",
    "NewPlaceFloor",
    "NoDistance",
    "NoSids",
    "NodeGeography",
    "Popularity",
    "PrefixSids",
    "Ranked",
    "Recommendation",
    "Recommendations",
    "Recommender",
    "ScoringRecommender",
    "SeparateTokens",
    "SidFeatures",
    "SummedTokens",
    "TimeKernel",
    "TimeTransition",
    "UserFrequency",
    "evaluate_counting",
    "recommend",
]
