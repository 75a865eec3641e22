"""Number the prefixes of codes, and find where codes changed; without torch, which is slow to import."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int64]


def number_prefixes(codes: Codes) -> Codes:
    """Number the distinct rows of `codes: (N, P)` in their sorted order, (N,); P may be 0."""
    groups = np.zeros(len(codes), dtype=np.int64)
    for column in codes.T if len(codes) else ():  # below 2^63: fewer than 2^39 rows, and codes below 2^24
        groups = np.unique(groups * (column.max() + 1) + column, return_inverse=True)[1].reshape(-1)
    return groups


def first_change(old: Codes, new: Codes) -> Codes:
    """Return the level (from 0) of the first code that differs in each row of `(N, L)` codes, -1 where none does."""
    differ = old != new
    return np.where(differ.any(axis=1), differ.argmax(axis=1), -1) if differ.shape[1] else np.full(len(old), -1)
