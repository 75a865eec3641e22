"""Tokenizers: items to semantic IDs."""

from lgsid.artefacts.semantic_ids import SemanticIDs

__all__ = ["SemanticIDs"]
