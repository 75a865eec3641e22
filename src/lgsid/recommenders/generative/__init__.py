"""Generative recommenders: the next place as a sequence of codes."""

from lgsid.recommenders.generative.beam_search import BeamSearch
from lgsid.recommenders.generative.best_first_search import BestFirstSearch
from lgsid.recommenders.generative.generative_recommender import GenerativeRecommender
from lgsid.recommenders.generative.history_copy import HistoryCopy
from lgsid.recommenders.generative.history_tokens import HistoryTokens, SeparateTokens, SummedTokens
from lgsid.recommenders.generative.node_content import NodeContent
from lgsid.recommenders.generative.node_geography import NodeGeography
from lgsid.recommenders.generative.node_logits import NodeLogits
from lgsid.recommenders.generative.onerec.expert_balance import BalanceLoss, ExpertBalance, LossFreeBalance
from lgsid.recommenders.generative.onerec.list_aligner import ListAligner
from lgsid.recommenders.generative.onerec.list_losses import ECPO, BestWorstDPO, ListLoss
from lgsid.recommenders.generative.onerec.list_ranking import FirstPlace, ListOrder, ListRanking
from lgsid.recommenders.generative.onerec.list_rewards import (
    ClickReward,
    DistanceReward,
    DiversityReward,
    ListReward,
    ReachabilityReward,
    VisitReward,
)
from lgsid.recommenders.generative.onerec.long_history import LongHistory
from lgsid.recommenders.generative.onerec.onerec import OneRec
from lgsid.recommenders.generative.onerec.place_lists import PlaceLists
from lgsid.recommenders.generative.place_generator import PlaceGenerator
from lgsid.recommenders.generative.place_tiger import PlaceTIGER
from lgsid.recommenders.generative.tiger import TIGER
from lgsid.recommenders.generative.tree_search import TreeSearch

__all__ = [
    "ECPO",
    "TIGER",
    "BalanceLoss",
    "BeamSearch",
    "BestFirstSearch",
    "BestWorstDPO",
    "ClickReward",
    "DistanceReward",
    "DiversityReward",
    "ExpertBalance",
    "FirstPlace",
    "GenerativeRecommender",
    "HistoryCopy",
    "HistoryTokens",
    "ListAligner",
    "ListLoss",
    "ListOrder",
    "ListRanking",
    "ListReward",
    "LongHistory",
    "LossFreeBalance",
    "NodeContent",
    "NodeGeography",
    "NodeLogits",
    "OneRec",
    "PlaceGenerator",
    "PlaceLists",
    "PlaceTIGER",
    "ReachabilityReward",
    "SeparateTokens",
    "SummedTokens",
    "TreeSearch",
    "VisitReward",
]
