"""Vectorized sampling shared by the pair samplers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from lgsid.typing import PreferenceBatch

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


def log_uniform_ranks(lengths: IntArray, rng: np.random.Generator) -> IntArray:
    """Draw ranks 0 .. length-1, log-uniformly: each factor of two in rank is equally likely.

    Density-aware: ranks, not kilometers, so that a dense center and a sparse suburb are treated alike (docs/method.md).

    Args:
        lengths: Number of ranks in each list, each at least 1. Any shape.
        rng: Random generator.

    Returns:
        The shape of `lengths`.
    """
    ranks = np.floor(np.exp(rng.random(lengths.shape) * np.log(lengths + 1.0))).astype(np.int64) - 1
    return np.asarray(np.minimum(ranks, lengths - 1))


def first_accepted(accepted: npt.NDArray[np.bool_], otherwise: IntArray) -> IntArray:
    """Return the position of the first True along the last axis, or `otherwise` where there is none.

    Args:
        accepted: Shape (..., T).
        otherwise: Shape (...).

    Returns:
        Shape (...).
    """
    return np.where(accepted.any(axis=-1), accepted.argmax(axis=-1), otherwise).astype(np.int64)


def preference_batch(anchor: IntArray, chosen: IntArray, rejected: IntArray) -> PreferenceBatch:
    """Return arrays of item rows as a batch: anchor (B,), chosen (B,), rejected (B, K)."""
    return PreferenceBatch(*(torch.from_numpy(np.ascontiguousarray(rows)) for rows in (anchor, chosen, rejected)))
