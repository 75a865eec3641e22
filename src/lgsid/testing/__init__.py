"""Test support for lgsid and its plugins: contract tests of every kind, a toy city, tiny encoders."""

from lgsid.testing.aligner_contract import AlignerContract
from lgsid.testing.alignment_loss_contract import AlignmentLossContract
from lgsid.testing.attribute_encoder_contract import AttributeEncoderContract
from lgsid.testing.codebook_loss_contract import CodebookLossContract
from lgsid.testing.collision_strategy_contract import CollisionStrategyContract
from lgsid.testing.command_contract import CommandContract
from lgsid.testing.data_module_contract import DataModuleContract
from lgsid.testing.data_source_contract import DataSourceContract
from lgsid.testing.distance_features_contract import DistanceFeaturesContract
from lgsid.testing.evidence_contract import EvidenceContract
from lgsid.testing.expert_balance_contract import ExpertBalanceContract
from lgsid.testing.generative_contract import GenerativeRecommenderContract
from lgsid.testing.geo_encoder_contract import GeoEncoderContract
from lgsid.testing.head_input_contract import HeadInputContract
from lgsid.testing.history_tokens_contract import HistoryTokensContract
from lgsid.testing.interest_extractor_contract import InterestExtractorContract
from lgsid.testing.list_loss_contract import ListLossContract
from lgsid.testing.list_ranking_contract import ListRankingContract
from lgsid.testing.list_reward_contract import ListRewardContract
from lgsid.testing.list_source_contract import ListSourceContract
from lgsid.testing.module_contract import ModuleContract
from lgsid.testing.negative_sampler_contract import NegativeSamplerContract
from lgsid.testing.neighbor_index_contract import NeighborIndexContract
from lgsid.testing.node_logits_contract import NodeLogitsContract
from lgsid.testing.pair_sampler_contract import PairSamplerContract
from lgsid.testing.part_contract import PartContract
from lgsid.testing.preference_loss_contract import PreferenceLossContract
from lgsid.testing.quantizer_contract import QuantizerContract
from lgsid.testing.quiet_trainer import quiet_trainer
from lgsid.testing.recommender_contract import RecommenderContract
from lgsid.testing.rejected_places_contract import RejectedPlacesContract
from lgsid.testing.relevance_contract import RelevanceContract
from lgsid.testing.reward_loss_contract import RewardLossContract
from lgsid.testing.reward_model_contract import RewardModelContract
from lgsid.testing.sid_features_contract import SidFeaturesContract
from lgsid.testing.split_contract import SplitContract
from lgsid.testing.text_encoder_contract import TextEncoderContract
from lgsid.testing.tiny_encoder import tiny_encoder
from lgsid.testing.tokenizer_contract import TokenizerContract
from lgsid.testing.toy_city import toy_city, toy_source, toy_tables
from lgsid.testing.tree_search_contract import TreeSearchContract
from lgsid.testing.vector_store_contract import VectorStoreContract
from lgsid.testing.visit_signal_contract import VisitSignalContract

__all__ = [
    "AlignerContract",
    "AlignmentLossContract",
    "AttributeEncoderContract",
    "CodebookLossContract",
    "CollisionStrategyContract",
    "CommandContract",
    "DataModuleContract",
    "DataSourceContract",
    "DistanceFeaturesContract",
    "EvidenceContract",
    "ExpertBalanceContract",
    "GenerativeRecommenderContract",
    "GeoEncoderContract",
    "HeadInputContract",
    "HistoryTokensContract",
    "InterestExtractorContract",
    "ListLossContract",
    "ListRankingContract",
    "ListRewardContract",
    "ListSourceContract",
    "ModuleContract",
    "NegativeSamplerContract",
    "NeighborIndexContract",
    "NodeLogitsContract",
    "PairSamplerContract",
    "PartContract",
    "PreferenceLossContract",
    "QuantizerContract",
    "RecommenderContract",
    "RejectedPlacesContract",
    "RelevanceContract",
    "RewardLossContract",
    "RewardModelContract",
    "SidFeaturesContract",
    "SplitContract",
    "TextEncoderContract",
    "TokenizerContract",
    "TreeSearchContract",
    "VectorStoreContract",
    "VisitSignalContract",
    "quiet_trainer",
    "tiny_encoder",
    "toy_city",
    "toy_source",
    "toy_tables",
]
