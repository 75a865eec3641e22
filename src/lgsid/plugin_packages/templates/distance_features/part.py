"""The logarithm of a distance, and whether it is known."""

from __future__ import annotations

import torch
from torch import Tensor

from lgsid.errors import LgsidError
from lgsid.recommenders import DistanceFeatures


class PartName(DistanceFeatures):
    """Two values: `log(1 + km / scale_km)`, and 1 where the distance is known; zeros where it is not.

    Args:
        scale_km: Distance below which differences hardly count.
    """

    dim = 2

    def __init__(self, scale_km: float = 0.1) -> None:
        super().__init__()
        if scale_km <= 0:
            raise LgsidError(f"PartName: scale_km must be positive, not {scale_km}")
        self.scale_km = scale_km

    def forward(self, km: Tensor) -> Tensor:
        """Return the features of distances (...) float64 km, NaN where unknown, shape (..., 2) float32."""
        known = ~km.isnan()
        return torch.stack([torch.log1p(km.nan_to_num(0.0) / self.scale_km).float(), known.float()], dim=-1)
