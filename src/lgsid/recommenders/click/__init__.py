"""Discriminative recommenders: semantic IDs as features of a click-through model."""

from lgsid.recommenders.click.din import DIN
from lgsid.recommenders.click.discriminative_recommender import DiscriminativeRecommender
from lgsid.recommenders.click.distance_features import DistanceFeatures, LogDistance, NoDistance
from lgsid.recommenders.click.distance_popularity import DistancePopularity
from lgsid.recommenders.click.sid_features import LevelSids, NoSids, PrefixSids, SidFeatures

__all__ = [
    "DIN",
    "DiscriminativeRecommender",
    "DistanceFeatures",
    "DistancePopularity",
    "LevelSids",
    "LogDistance",
    "NoDistance",
    "NoSids",
    "PrefixSids",
    "SidFeatures",
]
