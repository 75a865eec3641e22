"""Cells of the Plus Codes grid, as hashed signs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from lgsid.errors import LgsidError
from lgsid.functional.hashed_signs import hashed_signs
from lgsid.geo.geo_encoder import GeoEncoder

CELLS_PER_DEGREE = {4: 1, 6: 20, 8: 400, 10: 8000}
"""By digits of the code: cells of 1 degree, 1/20 (5.6 km north to south), 1/400 (280 m) and 1/8000 (14 m)."""


class PlusCodeGeoEncoder(GeoEncoder):
    """Encode a position as the cells of Plus Codes that it lies in, one for each length of the code.

    A cell is a vector of random signs that follow from its place in the grid, so that the width does not grow with the
    area, and a cell without any training place has a vector, too. Positions that share no cell are about 1 apart, those
    that share the cells of m of n lengths about `sqrt(1 - m / n)`; inside the finest cell all positions are equal.

    Source: Plus Codes (Open Location Code), whose cells GNPR-SID (arXiv 2506.01375) uses one-hot; hashed signs, which
    keep the distances of one-hot vectors on average, are ours.

    Args:
        digits: Lengths of the codes: 4, 6, 8 or 10 digits.
        width: Number of signs of each length.
        seed: Seed of the hash function.
    """

    def __init__(self, digits: Sequence[int] = (6, 8, 10), width: int = 64, seed: int = 0) -> None:
        super().__init__()
        if not digits or not set(digits) <= set(CELLS_PER_DEGREE):
            raise LgsidError(f"PlusCodeGeoEncoder: digits must be some of 4, 6, 8 and 10, got {list(digits)}")
        if width < 1:
            raise LgsidError(f"PlusCodeGeoEncoder: width must be at least 1, got {width}")
        self.digits, self.width, self.seed = tuple(digits), width, seed

    @property
    def dim(self) -> int:
        """Width of the vectors."""
        return len(self.digits) * self.width

    def forward(self, lat_deg: Tensor, lon_deg: Tensor) -> Tensor:
        """Encode positions `(...,)` in float64 degrees as `(..., dim)` float32."""
        place = torch.arange(self.width, device=lat_deg.device)
        blocks = []
        for digits in self.digits:
            salt = (self.seed * 16 + digits) * 0x5851_F42D_4C95_7F2D
            salt = (salt + 2**63) % 2**64 - 2**63  # as int64 wraps around
            cell = cells(lat_deg, lon_deg, CELLS_PER_DEGREE[digits])
            blocks.append(hashed_signs(cell[..., None] * self.width + place + salt))
        return torch.cat(blocks, dim=-1) / math.sqrt(2.0 * self.dim)


def cells(lat_deg: Tensor, lon_deg: Tensor, per_degree: int) -> Tensor:
    """Number the cells of a grid of `per_degree` cells to a degree that positions `(...,)` lie in, int64.

    The poles belong to the cells beside them, the two names of the date line are one.
    """
    row = ((lat_deg.double() + 90.0) * per_degree).floor().long().clamp(0, 180 * per_degree - 1)
    column = (torch.remainder(lon_deg.double() + 180.0, 360.0) * per_degree).floor().long()
    return row * (360 * per_degree) + column.clamp(0, 360 * per_degree - 1)
