"""Text embeddings of places: prompt templates and text encoders."""

from lgsid.text.lora_spec import LoraSpec
from lgsid.text.prompt_template import PromptTemplate
from lgsid.text.sentence_retention import sentence_pairs, sentence_retention
from lgsid.text.text_encoder import TextEncoder

__all__ = ["LoraSpec", "PromptTemplate", "TextEncoder", "sentence_pairs", "sentence_retention"]
