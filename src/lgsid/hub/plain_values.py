"""Values of a checkpoint as JSON and tensors beside it, and the way back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from lgsid.errors import LgsidError

TENSOR, FLOAT = "$tensor", "$float"  # keys of what JSON has no word for
WEIGHT = "weights."  # how the names of weights begin among tensors; those inside of values have other names


def to_json(value: Any, tensors: dict[str, Tensor], at: str) -> Any:
    """Return a value as JSON has it; tensors go to `tensors` under the place where they stand.

    Args:
        value: Plain values and tensors, nested.
        tensors: Takes the tensors.
        at: Where the value stands, dotted.

    Raises:
        LgsidError: if a value is neither.
    """
    if isinstance(value, Tensor):
        tensors[at] = value
        return {TENSOR: at}
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: to_json(inner, tensors, f"{at}.{key}") for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(inner, tensors, f"{at}.{number}") for number, inner in enumerate(value)]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return {FLOAT: str(value)}
    if isinstance(value, (str, int, float, bool, type(None))):
        return value
    raise LgsidError(f"{at}: holds a {type(value).__name__}, which no JSON file keeps")


def from_json(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    """Return what `to_json` was given, lists in place of tuples.

    Raises:
        LgsidError: if a tensor is missing, or a number is none.
    """
    if isinstance(value, list):
        return [from_json(inner, tensors) for inner in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {TENSOR}:
        if value[TENSOR] not in tensors:
            raise LgsidError(f"the tensor {value[TENSOR]!r} is not among the weights")
        return tensors[value[TENSOR]]
    if set(value) == {FLOAT}:
        if value[FLOAT] not in ("inf", "-inf", "nan"):
            raise LgsidError(f"{FLOAT}: {str(value[FLOAT])[:40]!r} is no number")
        return float(value[FLOAT])
    return {key: from_json(inner, tensors) for key, inner in value.items()}


def apart(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors on the CPU that share no memory, as safetensors asks for."""
    return {name: value.detach().to("cpu", copy=True).contiguous() for name, value in tensors.items()}
