"""Places in the order of space-filling curves: what is near by rank is near on the ground, mostly."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lgsid.artefacts.items import Items

IntArray = npt.NDArray[np.int64]

BITS = 16
SHIFTS = (0.0, 0.29, 0.53, 0.81)  # of the grid, a curve each: what one cuts apart another holds together


class PlaceCurves:
    """Z-order curves (Morton 1966) through all places, to propose places at all distances from a given one.

    A rank distance drawn log-uniformly gives about as many places in each doubling of the distance, and follows the
    density of the city. It costs the same however many places there are.

    Args:
        items: N places.
    """

    def __init__(self, items: Items) -> None:
        lat = np.asarray(items.lat_deg, dtype=np.float64)
        lon = np.asarray(items.lon_deg, dtype=np.float64) * np.cos(np.radians(lat.mean()))
        north, east = lat - lat.min(), lon - lon.min()
        extent = max(float(north.max()), float(east.max())) or 1.0
        keys = [_interleaved(north / extent + shift, east / extent + shift) for shift in SHIFTS]
        self._order = np.stack([np.argsort(key, kind="stable") for key in keys])  # (S, N)
        self._rank = np.argsort(self._order, axis=1)

    def propose(self, place: IntArray, k: int, rng: np.random.Generator) -> IntArray:
        """Draw k places for each place (B,), at rank distances that are log-uniform on either side. Shape (B, k)."""
        shape, n = (len(place), k), self._order.shape[1]
        curve = rng.integers(len(self._order), size=shape)
        step = np.floor(np.exp(rng.random(shape) * np.log(n))).astype(np.int64)
        rank = self._rank[curve, place[:, None]] + np.where(rng.random(shape) < 0.5, step, -step)
        inside = np.where(rank < 0, -rank - 1, np.where(rank >= n, 2 * n - 1 - rank, rank)) % n  # mirrored at the ends
        return np.asarray(self._order[curve, inside])


def _interleaved(north: npt.NDArray[np.float64], east: npt.NDArray[np.float64]) -> IntArray:
    """Return the Morton code of points of [0, 2) x [0, 2), shape (N,)."""
    cell = np.stack([north, east]) * (1 << (BITS - 1))
    bits = (cell.astype(np.int64)[:, :, None] >> np.arange(BITS)) & 1  # (2, N, BITS)
    return np.asarray((bits[0] << (2 * np.arange(BITS) + 1)).sum(-1) + (bits[1] << (2 * np.arange(BITS))).sum(-1))
