"""Random signs that follow from integer keys alone."""

from __future__ import annotations

from torch import Tensor


def hashed_signs(keys: Tensor) -> Tensor:
    """Return -1 or 1 for each int64 key, float32, by the finalizer of SplitMix64 (multiplication wraps around)."""
    mixed = keys * -7046029254386353131  # 0x9E3779B97F4A7C15
    for shift, factor in ((30, -4658895280553007687), (27, -7723592293110705685)):
        mixed = (mixed ^ ((mixed >> shift) & ((1 << (64 - shift)) - 1))) * factor
    return ((mixed >> 40) & 1).float() * 2.0 - 1.0
