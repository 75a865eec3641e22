"""How a ranking model sees the distance from the last place."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn


class DistanceFeatures(nn.Module, ABC):
    """Turn distances into `dim` values each."""

    dim: int = 0

    @abstractmethod
    def forward(self, km: Tensor) -> Tensor:
        """Return the features of distances (...) float64 km, NaN where unknown, shape (..., dim) float32."""
