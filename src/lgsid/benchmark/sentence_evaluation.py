"""Everyday sentences under the encoder that made a table of vectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lgsid.artefacts import Embeddings
from lgsid.errors import LgsidError
from lgsid.text import TextEncoder, sentence_retention

SETTINGS = ("model", "pooling", "max_length", "normalize")


def sentence_metrics(embeddings: Embeddings, adapter: str) -> dict[str, float]:
    """Return what an adapter leaves of the encoder's judgment of everyday sentences, by the names of result files.

    Args:
        embeddings: Vectors whose metadata names the encoder.
        adapter: Folder of the adapter that made them.

    Raises:
        LgsidError: if the metadata names no encoder, or the adapter made other vectors.
    """
    described = embeddings.metadata.get("encoder")
    if not isinstance(described, Mapping) or not all(name in described for name in SETTINGS):
        raise LgsidError(
            "embeddings: their metadata does not tell the encoder, which `adapter` needs; leave `adapter` out, or take "
            "embeddings that `lgsid fit` or `lgsid predict` wrote"
        )
    settings: dict[str, Any] = {name: described[name] for name in SETTINGS}
    encoder = TextEncoder(**settings, adapter=adapter)
    if encoder.adapter_hash() != described.get("adapter_hash"):
        raise LgsidError(
            f"adapter {adapter!r}: not the one that made these embeddings; give the adapter of the same run"
        )
    found = sentence_retention(encoder)
    before = {"before/sentences/spearman": found.pop("reference_spearman")}
    return before | {f"after/sentences/{name}": value for name, value in found.items()}
