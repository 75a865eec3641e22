"""Text embeddings of places: prompt templates and text encoders."""

from lgsid.text.hashed_words import HashedWords
from lgsid.text.lora_spec import LoraSpec
from lgsid.text.prompt_template import PromptTemplate
from lgsid.text.prompt_variants import PROMPT_VARIANTS, PromptVariant
from lgsid.text.sentence_retention import sentence_pairs, sentence_retention
from lgsid.text.text_encoder import TextEncoder

__all__ = [
    "PROMPT_VARIANTS",
    "HashedWords",
    "LoraSpec",
    "PromptTemplate",
    "PromptVariant",
    "TextEncoder",
    "sentence_pairs",
    "sentence_retention",
]
