"""Positions by their distances from a few landmarks."""

from __future__ import annotations

import torch
from torch import Tensor

from lgsid.errors import LgsidError
from lgsid.geo import GeoEncoder

EARTH_RADIUS_KM = 6371.0088


class PartName(GeoEncoder):
    """Encode a position as its distances in km from landmarks, which `fit` spreads over the places of the data.

    Args:
        n_landmarks: Number of landmarks, the width of the vectors; at least 3, so that no two positions are alike.
    """

    landmarks: Tensor

    def __init__(self, n_landmarks: int = 8) -> None:
        super().__init__()
        if n_landmarks < 3:
            raise LgsidError(f"PartName: n_landmarks must be at least 3, got {n_landmarks}")
        self.n_landmarks = n_landmarks
        self.register_buffer("landmarks", torch.eye(3, dtype=torch.float64).repeat(n_landmarks, 1)[:n_landmarks])

    @property
    def dim(self) -> int:
        """Width of the vectors."""
        return self.n_landmarks

    def fit(self, lat_deg: Tensor, lon_deg: Tensor) -> None:
        """Choose landmarks among positions `(N,)`: the first one, then always the one farthest from all chosen."""
        points = on_the_sphere(lat_deg, lon_deg)
        chosen = [0]
        for _ in range(self.n_landmarks - 1):
            gaps = torch.cdist(points, points[chosen]).amin(dim=1)
            chosen.append(int(gaps.argmax()))
        self.landmarks.copy_(points[chosen])

    def forward(self, lat_deg: Tensor, lon_deg: Tensor) -> Tensor:
        """Encode positions `(...,)` in float64 degrees as `(..., dim)` float32: the chord to each landmark in km."""
        gap = on_the_sphere(lat_deg, lon_deg)[..., None, :] - self.landmarks
        return EARTH_RADIUS_KM * torch.linalg.vector_norm(gap, dim=-1).float()


def on_the_sphere(lat_deg: Tensor, lon_deg: Tensor) -> Tensor:
    """Return points of the unit sphere, `(..., 3)` float64."""
    lat, lon = torch.deg2rad(lat_deg.double()), torch.deg2rad(lon_deg.double())
    return torch.stack([lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin()], dim=-1)
