"""Discriminative recommenders: semantic IDs as features of a click-through model."""

from lgsid.recommenders.discriminative.base import DiscriminativeRecommender
from lgsid.recommenders.discriminative.din import DIN
from lgsid.recommenders.discriminative.distance_features import DistanceFeatures
from lgsid.recommenders.discriminative.distance_popularity import DistancePopularity
from lgsid.recommenders.discriminative.level_sids import LevelSids
from lgsid.recommenders.discriminative.log_distance import LogDistance
from lgsid.recommenders.discriminative.no_distance import NoDistance
from lgsid.recommenders.discriminative.no_sids import NoSids
from lgsid.recommenders.discriminative.prefix_sids import PrefixSids
from lgsid.recommenders.discriminative.sid_features import SidFeatures

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
