"""Reward models: does this content belong at this location?"""

from lgsid.rewards.head_inputs import AnchoredPair, HeadInput, MismatchedPrompt
from lgsid.rewards.reward_head import RewardHead
from lgsid.rewards.reward_losses import ListwiseSoftmax, PointwiseBCE, RewardLoss, SoftTargetBCE, WeightedBCE
from lgsid.rewards.reward_model import RewardModel

__all__ = [
    "AnchoredPair",
    "HeadInput",
    "ListwiseSoftmax",
    "MismatchedPrompt",
    "PointwiseBCE",
    "RewardHead",
    "RewardLoss",
    "RewardModel",
    "SoftTargetBCE",
    "WeightedBCE",
]
