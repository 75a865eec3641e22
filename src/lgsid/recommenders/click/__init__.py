"""Discriminative recommenders: semantic IDs as features of a click-through model."""

from lgsid.recommenders.click.click_model import ClickModel
from lgsid.recommenders.click.din import DIN
from lgsid.recommenders.click.discriminative_recommender import DiscriminativeRecommender
from lgsid.recommenders.click.distance_features import DistanceFeatures, LogDistance, NoDistance
from lgsid.recommenders.click.distance_popularity import DistancePopularity
from lgsid.recommenders.click.hard_search import HardSearch
from lgsid.recommenders.click.hash_search import HashSearch
from lgsid.recommenders.click.interest_evolution import InterestEvolution
from lgsid.recommenders.click.interest_extractor import ClickInputs, ClickSizes, Interest, InterestExtractor
from lgsid.recommenders.click.place_pairs import PlacePairs
from lgsid.recommenders.click.search_attention import SearchAttention
from lgsid.recommenders.click.sid_features import (
    LevelSids,
    NgramSids,
    NoSids,
    PrefixSids,
    SidFeatures,
    SummedPrefixSids,
)
from lgsid.recommenders.click.soft_search import SoftSearch
from lgsid.recommenders.click.target_attention import TargetAttention
from lgsid.recommenders.click.two_stage_attention import TwoStageAttention

__all__ = [
    "DIN",
    "ClickInputs",
    "ClickModel",
    "ClickSizes",
    "DiscriminativeRecommender",
    "DistanceFeatures",
    "DistancePopularity",
    "HardSearch",
    "HashSearch",
    "Interest",
    "InterestEvolution",
    "InterestExtractor",
    "LevelSids",
    "LogDistance",
    "NgramSids",
    "NoDistance",
    "NoSids",
    "PlacePairs",
    "PrefixSids",
    "SearchAttention",
    "SidFeatures",
    "SoftSearch",
    "SummedPrefixSids",
    "TargetAttention",
    "TwoStageAttention",
]
