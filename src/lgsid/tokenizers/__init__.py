"""Tokenizers: items to semantic IDs."""

from lgsid.artefacts.semantic_ids import SemanticIDs
from lgsid.tokenizers.apply import tokenize
from lgsid.tokenizers.attribute_encoders import AttributeEncoder, HashedAttributes, OneHotAttributes
from lgsid.tokenizers.co_visit_factors import CoVisitFactors
from lgsid.tokenizers.collaborative_tokenizer import CollaborativeTokenizer
from lgsid.tokenizers.collision_strategy import CollisionStrategy, Resolved
from lgsid.tokenizers.counter_suffix import CounterSuffix
from lgsid.tokenizers.dual_stream_tokenizer import DualStreamTokenizer
from lgsid.tokenizers.embedding_tokenizer import EmbeddingTokenizer
from lgsid.tokenizers.feature_tokenizer import FeatureTokenizer
from lgsid.tokenizers.geo_rotary_tokenizer import GeoRotaryTokenizer
from lgsid.tokenizers.hier_tokenizer import HierTokenizer
from lgsid.tokenizers.identity_suffix import IdentitySuffix
from lgsid.tokenizers.nearest_free_code import NearestFreeCode
from lgsid.tokenizers.no_resolution import NoResolution
from lgsid.tokenizers.plain_tokenizer import PlainTokenizer
from lgsid.tokenizers.prefix_codes import PrefixCodes
from lgsid.tokenizers.random_tokenizer import RandomTokenizer
from lgsid.tokenizers.residual_tokenizer import ResidualTokenizer
from lgsid.tokenizers.tokenizer import Tokenizer
from lgsid.tokenizers.visit_hours import VisitHours
from lgsid.tokenizers.visit_signal import VisitSignal
from lgsid.tokenizers.visits import Visits

__all__ = [
    "AttributeEncoder",
    "CoVisitFactors",
    "CollaborativeTokenizer",
    "CollisionStrategy",
    "CounterSuffix",
    "DualStreamTokenizer",
    "EmbeddingTokenizer",
    "FeatureTokenizer",
    "GeoRotaryTokenizer",
    "HashedAttributes",
    "HierTokenizer",
    "IdentitySuffix",
    "NearestFreeCode",
    "NoResolution",
    "OneHotAttributes",
    "PlainTokenizer",
    "PrefixCodes",
    "RandomTokenizer",
    "ResidualTokenizer",
    "Resolved",
    "SemanticIDs",
    "Tokenizer",
    "VisitHours",
    "VisitSignal",
    "Visits",
    "tokenize",
]
