"""Base class of geographic position encoders."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from lgsid.construction import Describable


class GeoEncoder(Describable, nn.Module, ABC):
    """Map positions to vectors in which near places are near.

    Positions arrive in degrees as float64. An encoder must tell places 50 m apart, so it may not round them to
    float32 before it has taken differences or phases: unit vectors in float32 are equal below about 2 km in a
    dot product.
    """

    @property
    @abstractmethod
    def dim(self) -> int:
        """Width of the vectors."""

    def fit(self, lat_deg: Tensor, lon_deg: Tensor) -> None:
        """Set an origin or a scale from the positions `(N,)` of the training items; kept in buffers."""

    @abstractmethod
    def forward(self, lat_deg: Tensor, lon_deg: Tensor) -> Tensor:
        """Encode positions.

        Args:
            lat_deg: (...,) float64.
            lon_deg: (...,) float64.

        Returns:
            (..., dim) float32.
        """
