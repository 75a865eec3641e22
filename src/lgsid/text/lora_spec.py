"""Configuration of the low-rank adapter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from torch import nn

from lgsid.errors import LgsidError
from lgsid.text.pretrained import UNUSED

ALL_LINEAR: Literal["all-linear"] = "all-linear"

# Names of the key and value projections. Architectures that have them fused are adapted at the fused matrix.
KEY_VALUE_BY_ARCHITECTURE: dict[str, tuple[str, ...]] = {
    "bert": ("key", "value"),
    "roberta": ("key", "value"),
    "xlm-roberta": ("key", "value"),
    "electra": ("key", "value"),
    "mpnet": ("k", "v"),
    "distilbert": ("k_lin", "v_lin"),
    "t5": ("k", "v"),
    "qwen2": ("k_proj", "v_proj"),
    "qwen3": ("k_proj", "v_proj"),
    "llama": ("k_proj", "v_proj"),
    "mistral": ("k_proj", "v_proj"),
    "gemma2": ("k_proj", "v_proj"),
    "modernbert": ("Wqkv",),
    "gpt_neox": ("query_key_value",),
}
# Tried in this order for any other architecture.
KEY_VALUE_NAMES: tuple[tuple[str, ...], ...] = (
    ("key", "value"),
    ("k_proj", "v_proj"),
    ("key_proj", "value_proj"),
    ("k_lin", "v_lin"),
    ("k", "v"),
    ("wk", "wv"),
    ("Wqkv",),
    ("qkv_proj",),
    ("query_key_value",),
    ("qkv",),
)


@dataclass(frozen=True)
class LoraSpec:
    """Low-rank adapter on the key and value projections, or on other linear layers (Hu et al. 2021, arXiv 2106.09685).

    Rank 8, dropout 0.05 and the key and value projections are those of LGSID (arXiv 2511.14221); alpha is our choice.
    That all linear layers learn more than the attention's alone is the finding of QLoRA (arXiv 2305.14314, section 4).

    Args:
        rank: Rank of the update matrices.
        alpha: Scaling numerator; the update is scaled by alpha / rank.
        dropout: Dropout probability of the adapter's input.
        targets: Names of the linear layers to adapt, or `all-linear`; the key and value projections if not given.
    """

    rank: int = 8
    alpha: int = 16
    dropout: float = 0.05
    targets: list[str] | Literal["all-linear"] | None = None


def lora_targets(model: nn.Module, architecture: str, wanted: Sequence[str] | None = None) -> list[str]:
    """Return the names of the layers of `model` to adapt: the last part of a name, or for `all-linear` the whole.

    Args:
        model: The network.
        architecture: Its `config.model_type`.
        wanted: Names asked for, or `all-linear` for every linear layer whose output is read (a pooler's is not); if not
            given, key and value projections by architecture, then by common names.

    Raises:
        LgsidError: if a wanted layer does not exist, or no key and value projections are found.
    """
    linear = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    if wanted == ALL_LINEAR:
        return [name for name in linear if not name.startswith(UNUSED)]
    names = {name.rpartition(".")[2] for name in linear}
    known = f"linear layers of {architecture!r} are {', '.join(sorted(names))}, or all of them: all-linear"
    if wanted is not None:
        missing = [name for name in wanted if name not in names]
        if missing or not wanted:
            raise LgsidError(f"lora: no layer named {missing[0] if missing else '(none)'!r}; {known}")
        return list(wanted)
    choices = (KEY_VALUE_BY_ARCHITECTURE.get(architecture, ()), *KEY_VALUE_NAMES)
    for choice in choices:
        if choice and names.issuperset(choice):
            return list(choice)
    raise LgsidError(f"lora: no key and value projections found, set lora.targets; {known}")
