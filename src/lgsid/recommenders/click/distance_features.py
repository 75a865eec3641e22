"""How a ranking model sees the distance from the last place."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from lgsid.construction import Describable


class DistanceFeatures(Describable, nn.Module, ABC):
    """Turn distances into `dim` values each."""

    dim: int = 0

    @abstractmethod
    def forward(self, km: Tensor) -> Tensor:
        """Return the features of distances (...) float64 km, NaN where unknown, shape (..., dim) float32."""


class NoDistance(DistanceFeatures):
    """Leave the distance out: what is known of geography then comes from semantic IDs and regions."""

    def forward(self, km: Tensor) -> Tensor:
        """Return no features, shape (..., 0)."""
        return km[..., None][..., :0].float()


class LogDistance(DistanceFeatures):
    """Give the logarithm of the distance, its place on a few soft steps, and whether it is known.

    Args:
        steps: Number of soft steps between `nearest_km` and `farthest_km`, evenly spaced in the logarithm.
        nearest_km: Center of the first step; nearer places are all the same.
        farthest_km: Center of the last step.
    """

    centers: Tensor

    def __init__(self, steps: int = 8, nearest_km: float = 0.03, farthest_km: float = 30.0) -> None:
        super().__init__()
        self.dim = steps + 2
        self.nearest_km = nearest_km
        centers = torch.linspace(math.log(nearest_km), math.log(farthest_km), steps)
        self.register_buffer("centers", centers, persistent=False)
        self.width = (math.log(farthest_km) - math.log(nearest_km)) / max(1, steps - 1)

    def forward(self, km: Tensor) -> Tensor:
        """Return the features, shape (..., steps + 2)."""
        known = ~km.isnan()
        log = (km.nan_to_num(1.0) + self.nearest_km).log().float()
        soft = torch.exp(-(((log[..., None] - self.centers) / self.width) ** 2) / 2)
        values = torch.cat([log[..., None], soft, torch.ones_like(log)[..., None]], dim=-1)
        return torch.where(known[..., None], values, 0.0)
