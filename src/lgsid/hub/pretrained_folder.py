"""Save a text encoder, a tokenizer or a recommender to a folder, and load it from there."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from functools import singledispatch
from pathlib import Path
from typing import Any, TypeVar

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from lgsid import checkpoints, plugins
from lgsid.alignment import GDPOAligner
from lgsid.artefacts import Dataset, SemanticIDs
from lgsid.artefacts.files import write_text
from lgsid.artefacts.names import CARD_FILE, INDEX_FILE, SIDS_FILE
from lgsid.checkpoint_file import DATA_SHAPE
from lgsid.errors import LgsidError, located
from lgsid.hub.encoder_folder import Adapter, is_encoder, read_encoder, write_encoder
from lgsid.hub.folder_config import WEIGHTS, FolderConfig
from lgsid.hub.model_card import ModelCard
from lgsid.hub.plain_values import WEIGHT, apart, from_json, to_json
from lgsid.module import CONSTRUCTION, VERSION, LgsidModule
from lgsid.recommenders import Recommender
from lgsid.system_errors import writing
from lgsid.text import TextEncoder
from lgsid.tokenizers import Tokenizer
from lgsid.typing import DataShape

PLACES = "places"
README = "README.md"
Part = TypeVar("Part", bound=nn.Module)


def save_pretrained(
    part: TextEncoder | LgsidModule,
    folder: str | Path,
    run: str | Path | None = None,
    dataset: Dataset | str | Path | None = None,
    adapter: Adapter = "kept",
    license: str = "",
) -> Path:
    """Save a trained text encoder, tokenizer or recommender to a folder that can be uploaded as it is.

    The folder has `config.json` (class, arguments, version, packages of plugins), `model.safetensors`, and `README.md`,
    a model card of what the run measured. An encoder's folder is also one of transformers. Of single check-ins nothing
    is saved (see `LgsidModule.forget_check_ins`). What `from_pretrained` returns gives the same vectors, semantic IDs
    and recommendations, bit for bit.

    Args:
        part: The encoder, an aligner for its encoder, a tokenizer or a recommender.
        folder: A folder that is not there, or empty.
        run: Folder of the training, for the card and for the semantic IDs that a tokenizer gave.
        dataset: Dataset of the training. Its places, without check-ins, then lie in the folder: with them a recommender
            answers (`LiveRecommender(model, folder / "places")`). Look at the terms of the data before.
        adapter: Whether the adapter of an encoder is kept beside the network, or added to its weights: then peft is not
            needed, and the vectors differ by rounding.
        license: Identifier of a license, as the hub has it (apache-2.0).

    Returns:
        The folder.

    Raises:
        LgsidError: if the folder is not empty, or holds something else, or the part is of another kind.
    """
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise LgsidError(f"{folder}: is there and not empty; name a new folder")
    data = None if dataset is None else Dataset.of(dataset)
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    with writing(folder, "nothing of it was written"):
        partial.mkdir(parents=True)
        try:
            kept = write_part(part, partial, adapter)
            write_places(kept, partial, data)
            if run is not None:
                copy_semantic_ids(kept, Path(run), partial)
            card = ModelCard.of(kept, folder.name, None if run is None else Path(run), data, license)
            write_text(partial / README, card.text())
            if folder.exists():
                folder.rmdir()
            partial.rename(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return folder


def from_pretrained(folder: str | Path, kind: type[Part] = nn.Module) -> Part:  # type: ignore[assignment]
    """Load what `save_pretrained` saved, on the CPU and in evaluation mode. Nothing in the folder is run.

    Args:
        folder: The folder.
        kind: Class that it must have, such as `TextEncoder`, `Tokenizer` or `Recommender`.

    Raises:
        LgsidError: if a file is missing or damaged, a class is of no installed package, or it is of another kind.
    """
    folder = Path(folder)
    plugins.load()
    config = FolderConfig.read(folder)
    with located(folder):
        found: nn.Module = read_encoder(config, folder) if is_encoder(config) else read_module(config, folder)
    if not isinstance(found, kind):
        raise LgsidError(f"{folder}: holds a {type(found).__name__}, not a {kind.__name__}")
    return found


@singledispatch
def write_part(part: Any, folder: Path, adapter: Adapter) -> TextEncoder | LgsidModule:
    """Write config and weights to an empty folder, and return what was saved.

    Raises:
        LgsidError: if this kind of part is not saved in this way.
    """
    known = "a text encoder, an aligner, a tokenizer or a recommender"
    raise LgsidError(f"{type(part).__name__}: give {known}; for other modules there is `lgsid strip`")


@write_part.register
def _(part: TextEncoder, folder: Path, adapter: Adapter) -> TextEncoder:
    write_encoder(part, folder, adapter)
    return part


@write_part.register
def _(part: GDPOAligner, folder: Path, adapter: Adapter) -> TextEncoder:
    write_encoder(part.encoder, folder, adapter)
    return part.encoder


@write_part.register
def _(part: Tokenizer, folder: Path, adapter: Adapter) -> LgsidModule:
    return write_module(part, folder)


@write_part.register
def _(part: Recommender, folder: Path, adapter: Adapter) -> LgsidModule:
    kept = checkpoints.restore(checkpoints.content_of(part), type(part).__name__, Recommender)  # type: ignore[type-abstract]
    kept.forget_check_ins()
    if kept.trained_on is not None:  # the same places do, without the log
        kept.trained_on = replace(kept.trained_on, data_hash="")
    return write_module(kept, folder)


def write_module(module: LgsidModule, folder: Path) -> LgsidModule:
    """Write config and weights of a module."""
    saved = checkpoints.content_of(module)
    tensors = {f"{WEIGHT}{name}": value for name, value in saved.pop("state_dict").items()}
    construction = to_json(saved.pop(CONSTRUCTION), tensors, "construction")
    version = saved.pop(VERSION)
    state = to_json(saved, tensors, "state")
    save_file(apart(tensors), folder / WEIGHTS, metadata={"format": "pt"})
    FolderConfig(construction, state, version).write(folder)
    return module


def read_module(config: FolderConfig, folder: Path) -> LgsidModule:
    """Build the module of a folder.

    Raises:
        LgsidError: if the weights cannot be read, or do not fit.
    """
    try:
        tensors = load_file(folder / WEIGHTS)
    except (SafetensorError, OSError, ValueError) as error:
        raise LgsidError(f"{WEIGHTS}: not readable ({' '.join(str(error).split())[:200]})") from error
    state: dict[str, Any] = from_json(dict(config.state), tensors)
    if DATA_SHAPE in state:
        DataShape.from_dict(state[DATA_SHAPE])
    weights = {name.removeprefix(WEIGHT): value for name, value in tensors.items() if name.startswith(WEIGHT)}
    construction = from_json(dict(config.construction), tensors)
    saved = {**state, "state_dict": weights, CONSTRUCTION: construction, VERSION: config.version}
    return checkpoints.restore(saved, WEIGHTS)


def write_places(part: nn.Module, folder: Path, dataset: Dataset | None) -> None:
    """Write the places of a dataset without check-ins, and the semantic IDs that a recommender knows them by.

    Raises:
        LgsidError: if the recommender was trained on other places.
    """
    if dataset is None or isinstance(part, TextEncoder):
        return
    if isinstance(part, Recommender) and part.trained_on is not None:
        part.trained_on.check_items(dataset.items)
    nobody = dataset.interactions.frame.iloc[:0].reset_index(drop=True)
    about = {key: dataset.report[key] for key in ("name", "regions") if key in dataset.report}
    Dataset(dataset.items, type(dataset.interactions)(nobody), about).write(folder / PLACES)
    shape = part.data_shape if isinstance(part, Recommender) else None
    if isinstance(part, Recommender) and shape is not None and shape.codebook_sizes:
        codes = part.catalogue.codes.cpu().numpy()
        SemanticIDs(dataset.items.ids, codes, tuple(shape.codebook_sizes)).write(folder / SIDS_FILE)


def copy_semantic_ids(part: nn.Module, run: Path, folder: Path) -> None:
    """Copy the semantic IDs that a tokenizer gave, and their card."""
    for name in (SIDS_FILE, INDEX_FILE, CARD_FILE) if isinstance(part, Tokenizer) else ():
        if (run / name).is_file():
            shutil.copyfile(run / name, folder / name)
