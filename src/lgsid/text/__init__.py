"""From places to vectors: prompt templates and the text encoder."""

from lgsid.text.lora_spec import LoraSpec
from lgsid.text.prompt_template import PromptTemplate
from lgsid.text.text_encoder import TextEncoder

__all__ = ["LoraSpec", "PromptTemplate", "TextEncoder"]
