"""Discriminative recommenders: semantic IDs as features of a click-through model."""

from lgsid.recommenders.click.click_model import ClickModel
from lgsid.recommenders.click.din import DIN
from lgsid.recommenders.click.discriminative_recommender import DiscriminativeRecommender
from lgsid.recommenders.click.distance_features import DistanceFeatures, LogDistance, NoDistance
from lgsid.recommenders.click.distance_popularity import DistancePopularity
from lgsid.recommenders.click.interest_extractor import ClickInputs, Interest, InterestExtractor
from lgsid.recommenders.click.sid_features import LevelSids, NoSids, PrefixSids, SidFeatures
from lgsid.recommenders.click.target_attention import TargetAttention

__all__ = [
    "DIN",
    "ClickInputs",
    "ClickModel",
    "DiscriminativeRecommender",
    "DistanceFeatures",
    "DistancePopularity",
    "Interest",
    "InterestExtractor",
    "LevelSids",
    "LogDistance",
    "NoDistance",
    "NoSids",
    "PrefixSids",
    "SidFeatures",
    "TargetAttention",
]
