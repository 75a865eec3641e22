"""Load a tokenizer and a network of transformers, and refuse those that would give vectors without meaning."""

from __future__ import annotations

from typing import Any

import torch
from transformers import AutoModel, AutoTokenizer
from transformers.utils import logging as transformers_logging

from lgsid.errors import LgsidError

PROBE = "a place, 1"
UNUSED = "pooler."  # weights of the head that models for other tasks lack; pooling is over the tokens


def load_pretrained(spec: str, source: str) -> tuple[Any, Any]:
    """Load the tokenizer and the network that encodes; code in the model's folder is never run.

    Args:
        spec: What the user calls the model, for messages, which say it in place of `source`.
        source: A folder or a hub id.

    Returns:
        The tokenizer and the network, in float32.

    Raises:
        LgsidError: if files are missing or damaged, weights are missing or not finite, or the tokenizer does not know
            plain words or is of another model.
    """
    transformers_logging.disable_progress_bar()
    loudness = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()  # it reports over many lines what is refused in one
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
        network, found = AutoModel.from_pretrained(
            source, dtype=torch.float32, trust_remote_code=False, output_loading_info=True
        )
    except Exception as error:
        reason = first_line(error).replace(source, spec)
        raise LgsidError(f"model {spec!r}: cannot be loaded as a transformers AutoModel ({reason})") from error
    finally:
        transformers_logging.set_verbosity(loudness)
    check_weights(spec, network, found["missing_keys"])
    check_tokenizer(spec, tokenizer, network.get_input_embeddings().num_embeddings)
    if getattr(network.config, "is_encoder_decoder", False):
        network = network.get_encoder()
    if getattr(network.config, "use_cache", False):
        network.config.use_cache = False
    return tokenizer, network


def check_weights(spec: str, network: torch.nn.Module, missing: list[str]) -> None:
    """Refuse a network with weights that were not in its files, or are not finite.

    Raises:
        LgsidError: naming the first.
    """
    absent = sorted(name for name in missing if not name.startswith(UNUSED))
    if absent:
        rest = f" and {len(absent) - 1} others" if len(absent) > 1 else ""
        raise LgsidError(
            f"model {spec!r}: its files lack the weights {absent[0]}{rest}; they are of another config.json"
        )
    for name, parameter in network.named_parameters():
        if not torch.isfinite(parameter).all():
            raise LgsidError(f"model {spec!r}: its weights {name} are not finite; the file is damaged")


def check_tokenizer(spec: str, tokenizer: Any, rows: int) -> None:
    """Refuse a tokenizer that knows no words, or more tokens than the network has vectors; give it a padding token.

    Args:
        spec: What the user calls the model.
        tokenizer: The tokenizer.
        rows: Number of vectors in the network's table of tokens.

    Raises:
        LgsidError: saying which.
    """
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    if tokenizer.pad_token is None:
        raise LgsidError(f"model {spec!r}: its tokenizer has neither a padding nor an end token")
    if set(tokenizer(PROBE, add_special_tokens=False)["input_ids"]) <= {tokenizer.unk_token_id}:
        files = "tokenizer.json, or the vocabulary that tokenizer_config.json asks for"
        raise LgsidError(f"model {spec!r}: its tokenizer knows no words; its folder lacks {files}")
    known = max(tokenizer.vocab_size, tokenizer.pad_token_id + 1)  # tokens that transformers adds are not in texts
    if known > rows:
        raise LgsidError(
            f"model {spec!r}: its tokenizer has {known:,} tokens, its network vectors of {rows:,}; they are of"
            " different models"
        )


def first_line(error: Exception) -> str:
    """Return the first line of an error's text, its type where it has none or says little."""
    text = str(error).strip()
    line = text.splitlines()[0] if text else ""
    return line if " " in line else f"{type(error).__name__} {line}".strip()
