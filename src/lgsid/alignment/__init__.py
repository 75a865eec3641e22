"""Preference alignment of a text encoder: geographic distance without losing meaning."""

from lgsid.alignment.alignment_loss import AlignmentLoss, EncodedPairs
from lgsid.alignment.collaborative_pairs import CollaborativePairs
from lgsid.alignment.counted_pairs import CountedPairs
from lgsid.alignment.far_pairs import FarPairs
from lgsid.alignment.gdpo_aligner import GDPOAligner
from lgsid.alignment.listwise_relevance import ListwiseRelevance
from lgsid.alignment.near_other_category_pairs import NearOtherCategoryPairs
from lgsid.alignment.pair_sampler import PairSampler
from lgsid.alignment.preference_losses import (
    InBatchSoftmax,
    PreferenceLoss,
    RewardMargin,
    SimilarityMargin,
    SimilaritySoftmax,
)
from lgsid.alignment.rejected_places import (
    AlternatingRejected,
    NearbyRejected,
    PairedRejected,
    RejectedPlaces,
    SameCategoryRejected,
    UniformRejected,
)
from lgsid.alignment.relevance import (
    ContentRelevance,
    DistanceRelevance,
    NextVisitRelevance,
    Relevance,
    RewardRelevance,
)
from lgsid.alignment.same_category_far_pairs import SameCategoryFarPairs
from lgsid.alignment.transition_pairs import TransitionPairs

__all__ = [
    "AlignmentLoss",
    "AlternatingRejected",
    "CollaborativePairs",
    "ContentRelevance",
    "CountedPairs",
    "DistanceRelevance",
    "EncodedPairs",
    "FarPairs",
    "GDPOAligner",
    "InBatchSoftmax",
    "ListwiseRelevance",
    "NearOtherCategoryPairs",
    "NearbyRejected",
    "NextVisitRelevance",
    "PairSampler",
    "PairedRejected",
    "PreferenceLoss",
    "RejectedPlaces",
    "Relevance",
    "RewardMargin",
    "RewardRelevance",
    "SameCategoryFarPairs",
    "SameCategoryRejected",
    "SimilarityMargin",
    "SimilaritySoftmax",
    "TransitionPairs",
    "UniformRejected",
]
