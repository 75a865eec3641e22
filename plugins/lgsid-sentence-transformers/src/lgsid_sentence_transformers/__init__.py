"""Any model of Sentence Transformers as a text encoder of lgsid."""

from lgsid_sentence_transformers.sentence_transformer_encoder import SentenceTransformerEncoder

__all__ = ["SentenceTransformerEncoder"]
