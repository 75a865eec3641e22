"""Meters east and north of the center of the data."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lgsid.errors import LgsidError
from lgsid.functional.distances import EARTH_RADIUS_M
from lgsid.geo.fourier_geo_encoder import surface_point_m
from lgsid.geo.geo_encoder import GeoEncoder


class LocalMetresGeoEncoder(GeoEncoder):
    """Encode a position as its offset east and north of the center of the data, in units of `scale_m`.

    The simplest choice for one city: distances between vectors are distances on the ground. It is inaccurate for a
    country (an equirectangular projection around one point) and lets far outskirts dominate; `FourierGeoEncoder` does
    neither.

    Args:
        scale_m: Length of the unit in meters.
    """

    origin_deg: Tensor

    def __init__(self, scale_m: float = 1000.0) -> None:
        super().__init__()
        if not 0 < scale_m < math.inf:
            raise LgsidError(f"LocalMetresGeoEncoder: scale_m must be positive and finite, got {scale_m}")
        self.scale_m = scale_m
        self.register_buffer("origin_deg", torch.zeros(2, dtype=torch.float64))  # latitude, longitude

    @property
    def dim(self) -> int:
        """Two: east and north."""
        return 2

    def fit(self, lat_deg: Tensor, lon_deg: Tensor) -> None:
        """Set the origin to the mean position of `(N,)` positions, also across the date line."""
        middle = surface_point_m(lat_deg, lon_deg).mean(dim=0)
        lat = torch.atan2(middle[2], middle[:2].norm())
        lon = torch.atan2(middle[1], middle[0])
        self.origin_deg.copy_(torch.rad2deg(torch.stack([lat, lon])))

    def forward(self, lat_deg: Tensor, lon_deg: Tensor) -> Tensor:
        """Encode positions `(...,)` in float64 degrees as `(..., 2)` float32: east and north of the origin."""
        origin = self.origin_deg.double()
        turn = torch.remainder(lon_deg.double() - origin[1] + 180.0, 360.0) - 180.0
        east = torch.deg2rad(turn) * torch.deg2rad(origin[0]).cos()
        north = torch.deg2rad(lat_deg.double() - origin[0])
        return (torch.stack([east, north], dim=-1) * (EARTH_RADIUS_M / self.scale_m)).float()
