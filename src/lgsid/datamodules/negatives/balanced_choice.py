"""Choose candidates at random so that what is chosen is distributed as a target is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

STEP = 0.5  # of the correction of a weight in one round
LARGEST = 12.0  # of a logarithm of a weight
TINY = 1e-4


@dataclass(frozen=True)
class Bins:
    """Bins of a value, each with about the same number of target values; a value that is frequent has its own.

    Args:
        edges: Rising, one fewer than there are bins; a value equal to an edge is above it.
        share: Shape (bins,), the share of target values in each.
    """

    edges: Floats
    share: Floats

    @classmethod
    def of(cls, target: npt.NDArray[np.generic], most: int) -> Bins:
        """Return bins of target values (Q,), `most` of them and those of frequent values."""
        values = np.asarray(target, dtype=np.float64)
        if not len(values):
            return cls(np.empty(0), np.ones(1))
        cuts = np.quantile(values, np.arange(1, most) / most, method="inverted_cdf")
        distinct, counts = np.unique(values, return_counts=True)
        frequent = distinct[2 * most * counts >= len(values)]
        edges = np.unique(np.concatenate([cuts, frequent, np.nextafter(frequent, np.inf)]))
        counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
        return cls(edges, counts / len(values))

    def number(self, value: npt.NDArray[np.generic]) -> IntArray:
        """Return the bins of values of any shape."""
        return np.searchsorted(self.edges, value, side="right").astype(np.int64)


def taken(key: Floats, k: int) -> IntArray:
    """Take the k largest of each row (B, T), which become minus infinity: one look at all for each of them.

    Returns:
        Their positions, the largest first, shape (B, k); where a row has fewer finite ones, some position again.
    """
    at = np.empty((len(key), k), dtype=np.int64)
    for column in range(k):
        at[:, column] = key.argmax(axis=1)
        key[np.arange(len(key)), at[:, column]] = -np.inf
    return at


def corrected(weight: Floats, bins: Bins, chosen: IntArray) -> Floats:
    """Move logarithms of weights of bins towards a match, given the bins of what they chose (any shape)."""
    found = np.bincount(chosen.reshape(-1), minlength=len(weight)) / max(1, chosen.size)
    moved = weight + STEP * np.log((bins.share + TINY) / (found + TINY))
    return np.clip(moved - moved @ bins.share, -LARGEST, LARGEST)
