"""Positions as hashed H3 cells at several resolutions."""

from __future__ import annotations

import h3.api.numpy_int as h3
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lgsid.errors import LgsidError
from lgsid.geo import GeoEncoder

FINEST = 15
RING = 7  # a cell and its six neighbors
Uint64 = npt.NDArray[np.uint64]


class H3GeoEncoder(GeoEncoder):
    """Encode a position by its H3 cells: per resolution the cell, and with less weight the six cells around it.

    Every cell has a fixed direction of `width` signs drawn by hashing its index, so the dot product of two positions
    counts the cells that they share. Two positions in the same cell of the finest resolution are equal.

    Args:
        resolutions: H3 resolutions, 0 (1,100 km) to 15 (half a meter); 11 has cells with edges of 29 m.
        width: Numbers per resolution; more of them let fewer cells look alike by chance.
        ring_weight: Weight of a neighboring cell against 1 for the cell itself.
    """

    def __init__(
        self, resolutions: tuple[int, ...] = (4, 5, 6, 7, 8, 9, 10, 11), width: int = 32, ring_weight: float = 0.4
    ) -> None:
        super().__init__()
        if not resolutions or not all(0 <= r <= FINEST for r in resolutions):
            raise LgsidError(f"H3GeoEncoder: resolutions must be between 0 and {FINEST}, got {list(resolutions)}")
        if width < 1:
            raise LgsidError(f"H3GeoEncoder: width must be positive, got {width}")
        if not 0 <= ring_weight <= 1:
            raise LgsidError(f"H3GeoEncoder: ring_weight must be between 0 and 1, got {ring_weight}")
        self.resolutions, self.width, self.ring_weight = tuple(resolutions), width, ring_weight

    @property
    def dim(self) -> int:
        """`width` numbers per resolution."""
        return self.width * len(self.resolutions)

    def forward(self, lat_deg: Tensor, lon_deg: Tensor) -> Tensor:
        """Encode positions `(...,)` in float64 degrees as `(..., dim)` float32 of unit length."""
        shape = lat_deg.shape
        positions = np.stack([lat_deg.detach().cpu().double().numpy(), lon_deg.detach().cpu().double().numpy()], -1)
        unique, inverse = np.unique(positions.reshape(-1, 2), axis=0, return_inverse=True)
        finest = np.array([h3.latlng_to_cell(lat, lon, max(self.resolutions)) for lat, lon in unique], dtype=np.uint64)
        parts = [self.encoded(finest, resolution) for resolution in self.resolutions]
        vectors = np.concatenate(parts, axis=1)[inverse.reshape(-1)] / np.sqrt(len(self.resolutions))
        result = torch.from_numpy(vectors.astype(np.float32)).to(lat_deg.device)
        return result.reshape(*shape, self.dim)

    def encoded(self, finest: Uint64, resolution: int) -> npt.NDArray[np.float64]:
        """Return the part of one resolution for cells of the finest one, `(N, width)`, rows of unit length."""
        parents = np.array([h3.cell_to_parent(cell, resolution) for cell in finest], dtype=np.uint64)
        cells, inverse = np.unique(parents, return_inverse=True)
        vectors = signs(cells, self.width)
        if self.ring_weight > 0 and len(cells):
            rings = [h3.grid_disk(cell, 1) for cell in cells]  # a pentagon has five neighbors
            around = np.concatenate(rings).astype(np.uint64)
            owner = np.repeat(np.arange(len(cells)), [len(ring) for ring in rings])
            sums = np.zeros_like(vectors)
            np.add.at(sums, owner, signs(around, self.width))
            vectors = vectors + self.ring_weight * (sums - vectors)
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        return np.asarray(vectors[inverse])


def signs(cells: Uint64, width: int) -> npt.NDArray[np.float64]:
    """Return the direction of each cell, `(N, width)` of +1 and -1: bits of a hash of the cell and the column."""
    column = np.arange(1, width + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    value = cells[:, None] + column[None, :]
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        value = (value ^ (value >> np.uint64(shift))) * np.uint64(factor)
    value = value ^ (value >> np.uint64(31))
    return np.where(value >> np.uint64(63), 1.0, -1.0)
