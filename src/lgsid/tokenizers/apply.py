"""Apply a trained tokenizer to items, also to new ones: what `lgsid tokenize` does."""

from __future__ import annotations

from pathlib import Path

from lgsid import checkpoints
from lgsid.artefacts.dataset import Dataset
from lgsid.artefacts.embeddings import Embeddings
from lgsid.artefacts.semantic_ids import SemanticIDs
from lgsid.errors import LgsidError
from lgsid.tokenizers.tokenizer import Tokenizer, write_semantic_ids


def tokenize(
    checkpoint: str | Path, dataset: str | Path, embeddings: str | Path | None, output: str | Path
) -> SemanticIDs:
    """Write the semantic IDs that a trained tokenizer gives to the items of a dataset, which may be new to it.

    Attribute values that the tokenizer has not seen count as unknown.

    Args:
        checkpoint: `model.ckpt` of a tokenizer that `lgsid fit` trained.
        dataset: Folder of a prepared dataset.
        embeddings: Vectors of its items from the same text encoder; none for tokenizers that need none.
        output: Folder for `sids.parquet`, `sids.index.json` and `card.json`.

    Raises:
        LgsidError: if a file is missing or does not fit the others.
    """
    tokenizer = checkpoints.load(checkpoint, Tokenizer)  # type: ignore[type-abstract]
    data = Dataset.read(dataset)
    needs_vectors = tokenizer.data_shape is not None and bool(tokenizer.data_shape.embedding_dim)
    if embeddings is None and needs_vectors:
        raise LgsidError(
            f"{checkpoint}: this {type(tokenizer).__name__} needs vectors of the items: give their embeddings"
        )
    batch = tokenizer.batch_of(data, None if embeddings is None else Embeddings.read(embeddings))
    return write_semantic_ids(tokenizer, data, batch, Path(output))
