"""Cells that cut the sphere into parts of about as many places each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SphereCells:
    """The leaves of a k-d tree over points of the unit sphere, in three dimensions.

    Boxes in space have neither a date line nor poles, and chords between points sort as great circles do.

    Args:
        axis: Axis of each cut, 0 to 2, (2^depth - 1,); the cuts below cut i are 2 i + 1 and 2 i + 2.
        value: Points up to it lie below, (2^depth - 1,).
    """

    axis: Sequence[int]
    value: Sequence[float]

    @classmethod
    def of(cls, points: Floats, depth: int) -> SphereCells:
        """Cut at medians of a sample.

        Args:
            points: Sample of points of the unit sphere, (S, 3).
            depth: Number of cuts above each cell; there are 2^depth.
        """
        axis, value = [], []
        level = [points]
        for _ in range(depth):
            below = []
            for inside in level:
                widest = int(np.ptp(inside, axis=0).argmax()) if len(inside) else 0
                cut = float(np.median(inside[:, widest])) if len(inside) else 0.0
                axis.append(widest)
                value.append(cut)
                low = inside[:, widest] <= cut
                below += [inside[low], inside[~low]]
            level = below
        return cls(axis, value)

    @property
    def count(self) -> int:
        """Number of cells."""
        return len(self.axis) + 1

    def cell(self, points: Floats) -> npt.NDArray[np.int64]:
        """Return the cell of each point, `points: (N, 3)` -> (N,)."""
        node = np.zeros(len(points), np.int64)
        axis, value = np.asarray(self.axis, np.int64), np.asarray(self.value)
        for _ in range(len(axis).bit_length()):
            above = np.take_along_axis(points, axis[node, None], axis=1)[:, 0] > value[node]
            node = 2 * node + 1 + above
        return node - len(axis)


def box_distances(points: Floats, low: Floats, high: Floats) -> Floats:
    """Return the distance of points to a box, 0 inside.

    Args:
        points: (N, 3).
        low: Least coordinates of the box, (3,).
        high: Largest coordinates, (3,).

    Returns:
        (N,).
    """
    return np.asarray(np.linalg.norm(np.maximum(np.maximum(low - points, points - high), 0.0), axis=1))
