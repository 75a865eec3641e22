"""Apply a trained tokenizer to items, also to new ones: what `lgsid tokenize` does."""

from __future__ import annotations

import importlib
import warnings
from pathlib import Path
from typing import Any

import lightning as L
import torch

from lgsid.artefacts.dataset import Dataset
from lgsid.artefacts.embeddings import Embeddings
from lgsid.artefacts.semantic_ids import SemanticIDs
from lgsid.errors import LgsidError
from lgsid.tokenizers.tokenizer import OWN_STATE, Tokenizer, write_semantic_ids


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
    tokenizer = load_tokenizer(checkpoint)
    data = Dataset.read(dataset)
    vectors = None if embeddings is None else Embeddings.read(embeddings).for_items(data.items)
    if vectors is None and tokenizer.data_shape is not None and tokenizer.data_shape.embedding_dim:
        raise LgsidError(f"{checkpoint}: this {type(tokenizer).__name__} needs vectors: give --embeddings FILE")
    return write_semantic_ids(tokenizer, data, vectors, Path(output))


def load_tokenizer(checkpoint: str | Path) -> Tokenizer:
    """Load a tokenizer of any class from its checkpoint, ready to `tokenize`.

    Raises:
        LgsidError: if the file is missing, is no checkpoint of a tokenizer, or was built in Python from objects.
    """
    path = Path(checkpoint)
    if not path.is_file():
        raise LgsidError(f"{path}: no such checkpoint; train a tokenizer with `lgsid fit --config tokenizer/hier.yaml`")
    try:
        saved: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise LgsidError(f"{path}: not a readable checkpoint ({str(error).splitlines()[0]})") from error
    own = saved.get(OWN_STATE)
    if not isinstance(own, dict):
        raise LgsidError(f"{path}: not the checkpoint of a tokenizer; give the model.ckpt of a tokenizer's run folder")
    module, _, name = str(own["class_path"]).rpartition(".")
    try:
        kind = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise LgsidError(f"{path}: its tokenizer {own['class_path']} cannot be imported ({error})") from error
    if "_instantiator" in saved.get(L.LightningModule.CHECKPOINT_HYPER_PARAMS_KEY, {}):
        kind = L.LightningModule  # it knows how to build the class that a config named
    elif own["objects"]:
        raise LgsidError(
            f"{path}: was built in Python; load it with {name}.load_from_checkpoint(path, {own['objects'][0]}=...)"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # Lightning warns of modules among the hyper-parameters
        tokenizer = kind.load_from_checkpoint(path, map_location="cpu")
    if not isinstance(tokenizer, Tokenizer):
        raise LgsidError(f"{path}: {own['class_path']} is not a Tokenizer")
    return tokenizer.eval()
