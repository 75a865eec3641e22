"""Generative recommenders: the next place as a sequence of codes."""

from lgsid.recommenders.generative.beam_search import BeamSearch
from lgsid.recommenders.generative.best_first_search import BestFirstSearch
from lgsid.recommenders.generative.generative_recommender import GenerativeRecommender
from lgsid.recommenders.generative.history_copy import HistoryCopy
from lgsid.recommenders.generative.history_tokens import HistoryTokens, SeparateTokens, SummedTokens
from lgsid.recommenders.generative.node_content import NodeContent
from lgsid.recommenders.generative.node_geography import NodeGeography
from lgsid.recommenders.generative.node_logits import NodeLogits
from lgsid.recommenders.generative.place_generator import PlaceGenerator
from lgsid.recommenders.generative.place_tiger import PlaceTIGER
from lgsid.recommenders.generative.tiger import TIGER
from lgsid.recommenders.generative.tree_search import TreeSearch

__all__ = [
    "TIGER",
    "BeamSearch",
    "BestFirstSearch",
    "GenerativeRecommender",
    "HistoryCopy",
    "HistoryTokens",
    "NodeContent",
    "NodeGeography",
    "NodeLogits",
    "PlaceGenerator",
    "PlaceTIGER",
    "SeparateTokens",
    "SummedTokens",
    "TreeSearch",
]
