"""Tiny language models for tests: random weights, real tokenizers, nothing downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast, Qwen2Config, Qwen2Model

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[EOS]"]
CORPUS = [
    "Coffee Shop, Pizza Place, Bar, Park, Bakery, Gym, Hotel, Office, Museum, Theater, Subway Station, Restaurant",
    "latitude 40.7128, longitude -73.9352, north south east west of the centre, district, neighbourhood, street",
    "0123456789 the a in at of near and",
]


def tiny_encoder(architecture: Literal["bert", "qwen2"], folder: str | Path, seed: int = 0, width: int = 32) -> str:
    """Write a tiny random model with a byte-level BPE tokenizer, as transformers' `save_pretrained` does.

    Args:
        architecture: `bert` (bidirectional, padded on the right) or `qwen2` (causal, padded on the left).
        folder: Output folder, created if it does not exist.
        seed: Random seed of the weights. The global random state is left unchanged.
        width: Width D of the vectors, a multiple of 4.

    Returns:
        The folder, as `TextEncoder(model=...)` takes it.
    """
    folder = Path(folder)
    tokenizer = _tokenizer(architecture)
    sizes: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": width,
        "intermediate_size": 2 * width,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 256,
        "pad_token_id": tokenizer.pad_token_id,
        "initializer_range": 0.2,  # the usual .02 gives nearly equal vectors for all texts
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if architecture == "bert":
            network: Any = BertModel(BertConfig(**sizes))
        else:
            network = Qwen2Model(Qwen2Config(num_key_value_heads=2, **sizes))
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def _tokenizer(architecture: str) -> Any:
    tokenizer = Tokenizer(models.BPE(unk_token=None))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=450,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS * 4, trainer)
    if architecture == "bert":
        ids = [(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")]
        tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ids)
        return PreTrainedTokenizerFast(
            tokenizer_object=tokenizer, pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]", unk_token="[UNK]"
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", eos_token="[EOS]", padding_side="left"
    )
