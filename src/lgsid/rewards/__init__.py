"""Reward models: does this content belong at this location?"""

from lgsid.rewards.distance_lists import CrossedLists, DistanceLists, UniformLists
from lgsid.rewards.head_inputs import AnchoredPair, HeadInput, MismatchedPrompt
from lgsid.rewards.list_source import ListPlaces, ListSampler, ListSource
from lgsid.rewards.mismatched_lists import MismatchedLists
from lgsid.rewards.next_visit_lists import NextVisitLists
from lgsid.rewards.prompt_book import PromptBook
from lgsid.rewards.reward_head import RewardHead
from lgsid.rewards.reward_losses import ListwiseSoftmax, PointwiseBCE, RewardLoss, SoftTargetBCE, WeightedBCE
from lgsid.rewards.reward_model import RewardModel

__all__ = [
    "AnchoredPair",
    "CrossedLists",
    "DistanceLists",
    "HeadInput",
    "ListPlaces",
    "ListSampler",
    "ListSource",
    "ListwiseSoftmax",
    "MismatchedLists",
    "MismatchedPrompt",
    "NextVisitLists",
    "PointwiseBCE",
    "PromptBook",
    "RewardHead",
    "RewardLoss",
    "RewardModel",
    "SoftTargetBCE",
    "UniformLists",
    "WeightedBCE",
]
