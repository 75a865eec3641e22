"""Distances on the sphere."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

EARTH_RADIUS_M = 6_371_008.8  # mean radius (IUGG)


def unit_vectors(lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return points of the unit sphere, in float64: in float32, places less than a meter apart become one.

    Args:
        lat_deg: Shape (...).
        lon_deg: Shape (...).

    Returns:
        Shape (..., 3).
    """
    lat, lon = np.radians(np.asarray(lat_deg, np.float64)), np.radians(np.asarray(lon_deg, np.float64))
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def chord_to_m(chord: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Turn chord lengths between points of the unit sphere into meters along its surface. Any shape."""
    return 2.0 * EARTH_RADIUS_M * np.arcsin(np.clip(np.asarray(chord, np.float64) / 2.0, 0.0, 1.0))


def earth_centered_km(lat_deg: Tensor, lon_deg: Tensor) -> Tensor:
    """Return Earth-centered Cartesian positions, in float64; straight distances between them are chords.

    Args:
        lat_deg: Shape (...).
        lon_deg: Shape (...).

    Returns:
        Shape (..., 3), km.
    """
    lat, lon = torch.deg2rad(lat_deg), torch.deg2rad(lon_deg)
    unit = torch.stack([lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin()], -1)
    return unit * (EARTH_RADIUS_M / 1000)


def haversine_m(lat_deg: Tensor, lon_deg: Tensor, other_lat_deg: Tensor, other_lon_deg: Tensor) -> Tensor:
    """Return great-circle distances in meters; shapes broadcast.

    Computed in float64, by the haversine formula, which keeps its precision for near places (the cosine of unit
    vectors does not).

    Args:
        lat_deg: Latitudes of the first points.
        lon_deg: Longitudes of the first points.
        other_lat_deg: Latitudes of the second points.
        other_lon_deg: Longitudes of the second points.

    Returns:
        The broadcast shape, float64.
    """
    lat, lon, other_lat, other_lon = (
        torch.deg2rad(angle.to(torch.float64)) for angle in (lat_deg, lon_deg, other_lat_deg, other_lon_deg)
    )
    half = torch.sin((other_lat - lat) / 2) ** 2
    half = half + torch.cos(lat) * torch.cos(other_lat) * torch.sin((other_lon - lon) / 2) ** 2
    return 2.0 * EARTH_RADIUS_M * torch.asin(half.clamp(0.0, 1.0).sqrt())


def bearing_rad(lat_deg: Tensor, lon_deg: Tensor, other_lat_deg: Tensor, other_lon_deg: Tensor) -> Tensor:
    """Return the initial bearings from the first points to the second, clockwise from north; shapes broadcast.

    Args:
        lat_deg: Latitudes of the first points.
        lon_deg: Longitudes of the first points.
        other_lat_deg: Latitudes of the second points.
        other_lon_deg: Longitudes of the second points.

    Returns:
        The broadcast shape, float64, from -pi to pi; 0 where the points are equal.
    """
    lat, lon, other_lat, other_lon = (
        torch.deg2rad(angle.to(torch.float64)) for angle in (lat_deg, lon_deg, other_lat_deg, other_lon_deg)
    )
    turn = other_lon - lon
    # sin(a - b) in place of a difference of products, which loses the precision of near points
    north = torch.sin(other_lat - lat) + 2 * torch.sin(lat) * torch.cos(other_lat) * torch.sin(turn / 2) ** 2
    return torch.atan2(torch.cos(other_lat) * torch.sin(turn), north)
