"""Test support for lgsid and its plugins: contract tests, a toy city, tiny encoders."""

from lgsid.testing.data_source_contract import DataSourceContract
from lgsid.testing.evidence_contract import EvidenceContract
from lgsid.testing.generative_contract import GenerativeRecommenderContract
from lgsid.testing.geo_encoder_contract import GeoEncoderContract
from lgsid.testing.negative_sampler_contract import NegativeSamplerContract
from lgsid.testing.node_logits_contract import NodeLogitsContract
from lgsid.testing.pair_sampler_contract import PairSamplerContract
from lgsid.testing.preference_loss_contract import PreferenceLossContract
from lgsid.testing.quantizer_contract import QuantizerContract
from lgsid.testing.recommender_contract import RecommenderContract
from lgsid.testing.tiny_encoder import tiny_encoder
from lgsid.testing.tokenizer_contract import TokenizerContract
from lgsid.testing.toy_city import toy_city, toy_source, toy_tables

__all__ = [
    "DataSourceContract",
    "EvidenceContract",
    "GenerativeRecommenderContract",
    "GeoEncoderContract",
    "NegativeSamplerContract",
    "NodeLogitsContract",
    "PairSamplerContract",
    "PreferenceLossContract",
    "QuantizerContract",
    "RecommenderContract",
    "TokenizerContract",
    "tiny_encoder",
    "toy_city",
    "toy_source",
    "toy_tables",
]
