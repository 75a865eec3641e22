"""Tokenizers: items to semantic IDs."""

from lgsid.artefacts.semantic_ids import SemanticIDs
from lgsid.tokenizers.apply import tokenize
from lgsid.tokenizers.attribute_encoders import AttributeEncoder, HashedAttributes, OneHotAttributes
from lgsid.tokenizers.collision_strategy import CollisionStrategy, Resolved
from lgsid.tokenizers.counter_suffix import CounterSuffix
from lgsid.tokenizers.embedding_tokenizer import EmbeddingTokenizer
from lgsid.tokenizers.hier_tokenizer import HierTokenizer
from lgsid.tokenizers.nearest_free_code import NearestFreeCode
from lgsid.tokenizers.no_resolution import NoResolution
from lgsid.tokenizers.plain_tokenizer import PlainTokenizer
from lgsid.tokenizers.random_tokenizer import RandomTokenizer
from lgsid.tokenizers.residual_tokenizer import ResidualTokenizer
from lgsid.tokenizers.tokenizer import Tokenizer

__all__ = [
    "AttributeEncoder",
    "CollisionStrategy",
    "CounterSuffix",
    "EmbeddingTokenizer",
    "HashedAttributes",
    "HierTokenizer",
    "NearestFreeCode",
    "NoResolution",
    "OneHotAttributes",
    "PlainTokenizer",
    "RandomTokenizer",
    "ResidualTokenizer",
    "Resolved",
    "SemanticIDs",
    "Tokenizer",
    "tokenize",
]
