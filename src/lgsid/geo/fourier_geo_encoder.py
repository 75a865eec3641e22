"""Fourier features of a position on a log scale of wavelengths."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from lgsid.errors import LgsidError
from lgsid.functional.distances import EARTH_RADIUS_M
from lgsid.geo.geo_encoder import GeoEncoder


class FourierGeoEncoder(GeoEncoder):
    """Encode a position as waves of many lengths, so that street and state are both visible.

    A position becomes a point of the Earth's surface in metres (float64), is projected on directions of space,
    and each projection gives the cosine and sine of its phase at one wavelength. The vectors have length one; with
    wavelengths on a log scale their squared distance grows about linearly in the logarithm of the distance on the
    ground, between the shortest and the longest wavelength. The phases are taken in float64: at 100 m they reach
    4e5 radians, which float32 would round to .03 radians.

    Source: random Fourier features (Rahimi and Recht, 2007) with a log scale of wavelengths; our reading of the
    "geo-position encoding" of LGSID, whose form the paper's digests do not tell.

    Args:
        min_wavelength_m: Shortest wavelength in metres; places much nearer than half of it look alike.
        max_wavelength_m: Longest wavelength in metres; places much farther apart than it all look equally far.
        n_wavelengths: Number of wavelengths on the log scale.
        n_directions: Directions at each wavelength, with `directions: random`.
        directions: "random" (isotropic, from `seed`) or "axes" (the three axes of space).
        seed: Seed of the directions.
    """

    frequencies: Tensor

    def __init__(
        self,
        min_wavelength_m: float = 100.0,
        max_wavelength_m: float = 2_000_000.0,
        n_wavelengths: int = 16,
        n_directions: int = 8,
        directions: Literal["random", "axes"] = "random",
        seed: int = 0,
    ) -> None:
        super().__init__()
        if not 0 < min_wavelength_m <= max_wavelength_m or n_wavelengths < 1 or n_directions < 1:
            raise LgsidError(
                "FourierGeoEncoder: needs 0 < min_wavelength_m <= max_wavelength_m, n_wavelengths >= 1 and"
                f" n_directions >= 1, got {min_wavelength_m}, {max_wavelength_m}, {n_wavelengths}, {n_directions}"
            )
        bounds = math.log(min_wavelength_m), math.log(max_wavelength_m)
        wavelength_m = torch.linspace(*bounds, n_wavelengths, dtype=torch.float64).exp()
        if directions == "axes":
            unit = torch.eye(3, dtype=torch.float64).expand(n_wavelengths, 3, 3)
        else:
            generator = torch.Generator().manual_seed(seed)
            unit = torch.randn(n_wavelengths, n_directions, 3, generator=generator, dtype=torch.float64)
            unit = unit / unit.norm(dim=-1, keepdim=True)
        frequencies = 2 * math.pi * unit / wavelength_m[:, None, None]  # radians per metre
        self.register_buffer("frequencies", frequencies.reshape(-1, 3).T.contiguous())  # (3, F)

    @property
    def dim(self) -> int:
        """Width of the vectors: a cosine and a sine for each wavelength and direction."""
        return 2 * self.frequencies.shape[1]

    def forward(self, lat_deg: Tensor, lon_deg: Tensor) -> Tensor:
        """Encode positions `(...,)` in float64 degrees as `(..., dim)` float32 vectors of length one."""
        phase = surface_point_m(lat_deg, lon_deg) @ self.frequencies.double()  # (..., F)
        waves = torch.cat([phase.cos(), phase.sin()], dim=-1) / math.sqrt(phase.shape[-1])
        return waves.float()


def surface_point_m(lat_deg: Tensor, lon_deg: Tensor) -> Tensor:
    """Return points of the Earth's surface in metres from its centre, `(..., 3)` float64, good to a nanometre."""
    lat, lon = torch.deg2rad(lat_deg.double()), torch.deg2rad(lon_deg.double())
    unit = torch.stack([lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin()], dim=-1)
    return EARTH_RADIUS_M * unit
