"""Rewards: does this content belong at this location?"""

from lgsid.rewards.anchored_pair import AnchoredPair
from lgsid.rewards.head_input import HeadInput
from lgsid.rewards.listwise_softmax import ListwiseSoftmax
from lgsid.rewards.mismatched_prompt import MismatchedPrompt
from lgsid.rewards.pointwise_bce import PointwiseBCE
from lgsid.rewards.reward_head import RewardHead
from lgsid.rewards.reward_loss import RewardLoss
from lgsid.rewards.reward_model import RewardModel
from lgsid.rewards.soft_target_bce import SoftTargetBCE
from lgsid.rewards.weighted_bce import WeightedBCE

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
