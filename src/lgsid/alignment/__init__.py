"""Preference alignment of a text encoder: geographic distance without losing meaning."""

from lgsid.alignment.collaborative_pairs import CollaborativePairs
from lgsid.alignment.far_pairs import FarPairs
from lgsid.alignment.gdpo_aligner import GDPOAligner
from lgsid.alignment.near_other_category_pairs import NearOtherCategoryPairs
from lgsid.alignment.pair_sampler import PairSampler
from lgsid.alignment.preference_losses import PreferenceLoss, RewardMargin, SimilarityMargin, SimilaritySoftmax
from lgsid.alignment.same_category_far_pairs import SameCategoryFarPairs

__all__ = [
    "CollaborativePairs",
    "FarPairs",
    "GDPOAligner",
    "NearOtherCategoryPairs",
    "PairSampler",
    "PreferenceLoss",
    "RewardMargin",
    "SameCategoryFarPairs",
    "SimilarityMargin",
    "SimilaritySoftmax",
]
