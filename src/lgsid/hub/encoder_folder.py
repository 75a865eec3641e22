"""A text encoder as a folder that transformers loads, too."""

from __future__ import annotations

import json
import warnings
from copy import deepcopy
from pathlib import Path
from typing import Any, Literal

from transformers.utils import logging as transformers_logging

from lgsid.artefacts.files import write_json
from lgsid.construction import INIT_ARGS, describe, described_class, rebuild
from lgsid.errors import LgsidError
from lgsid.hub.folder_config import FolderConfig
from lgsid.text import TextEncoder
from lgsid.text.adapters import ADAPTER_CONFIG_FILE
from lgsid.text.model_spec import PACKAGE_PREFIX

HERE = "."  # stands for the folder itself
BASE = "base_model_name_or_path"  # key of peft's config
ADAPTER_WEIGHTS = "adapter_model.safetensors"
Adapter = Literal["kept", "merged"]


def write_encoder(encoder: TextEncoder, folder: Path, adapter: Adapter) -> None:
    """Write the network, the tokenizer, and the adapter beside the network or inside its weights.

    A kept adapter gives the same vectors, bit for bit; a merged one needs no peft, and differs by the rounding of the
    sum. transformers loads both with `AutoModel.from_pretrained`.

    Args:
        encoder: The encoder.
        folder: An empty folder.
        adapter: What becomes of its adapter.

    Raises:
        LgsidError: if its network is not one that transformers loads from a folder.
    """
    check_kind(type(encoder))
    if getattr(encoder.network.config, "is_encoder_decoder", False):
        raise LgsidError(f"{encoder.model!r} is the encoder of a larger model, which transformers does not load alone")
    kept = encoder.has_adapter and adapter == "kept"
    transformers_logging.disable_progress_bar()
    plain_network(encoder).save_pretrained(str(folder)) if kept else merged_network(encoder).save_pretrained(
        str(folder)
    )
    encoder._tokenizer.save_pretrained(str(folder))
    described = describe(encoder)
    arguments = {**described[INIT_ARGS], "model": HERE, "adapter": HERE if kept else None}
    if kept:
        encoder.save_adapter(folder)
        path = folder / ADAPTER_CONFIG_FILE
        write_json(path, {**json.loads(path.read_text(encoding="utf-8")), BASE: base_model(encoder)})
    else:
        arguments["lora"] = None
    FolderConfig({**described, INIT_ARGS: arguments}).write(folder)


def read_encoder(config: FolderConfig, folder: Path) -> TextEncoder:
    """Build the encoder of a folder, in evaluation mode.

    Raises:
        LgsidError: if it names a model outside of the folder, or cannot be built.
    """
    check_kind(described_class(config.construction))
    arguments = dict(config.construction[INIT_ARGS])
    adapter = arguments.get("adapter")
    if arguments.get("model") != HERE or adapter not in (None, HERE):
        raise LgsidError(f"{folder}: names a model outside of itself, which is not loaded")
    if adapter == HERE and not (folder / ADAPTER_WEIGHTS).is_file():
        raise LgsidError(f"{folder}: lacks {ADAPTER_WEIGHTS}; weights are never read from a pickle")
    here = {"model": str(folder), "adapter": None if adapter is None else str(folder)}
    encoder: TextEncoder = rebuild({**config.construction, INIT_ARGS: {**arguments, **here}})
    return encoder.eval()


def check_kind(kind: type[TextEncoder]) -> None:
    """Refuse an encoder whose model is not one of transformers.

    Raises:
        LgsidError: naming its class.
    """
    if kind.load_model is not TextEncoder.load_model:
        raise LgsidError(f"{kind.__name__}: loads its model in a way of its own; save it with the library it is of")


def is_encoder(config: FolderConfig) -> bool:
    """Tell whether a folder holds a text encoder."""
    return issubclass(described_class(config.construction), TextEncoder)


def base_model(encoder: TextEncoder) -> str:
    """Return what the pre-trained model is called elsewhere: its hub id, or the folder's or package's name."""
    spec = encoder.model.removeprefix(PACKAGE_PREFIX)
    if Path(spec).is_dir():
        return Path(spec).name
    return spec.partition("/")[0] if encoder.model.startswith(PACKAGE_PREFIX) else spec


def plain_network(encoder: TextEncoder) -> Any:
    """Return a copy of the network without its adapter."""
    return deepcopy(encoder.network).unload()


def merged_network(encoder: TextEncoder) -> Any:
    """Return the network with its adapter added to the weights, a copy if there is one."""
    if not encoder.has_adapter:
        return encoder.network
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of rounding, which is told in the documentation
        return deepcopy(encoder.network).merge_and_unload()
