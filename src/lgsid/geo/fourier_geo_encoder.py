"""Fourier features of a position on a log scale of wavelengths."""

from __future__ import annotations

import logging
import math
from typing import Literal

import torch
from torch import Tensor

from lgsid.errors import LgsidError
from lgsid.functional.distances import EARTH_RADIUS_M
from lgsid.geo.geo_encoder import GeoEncoder

logger = logging.getLogger(__name__)

CITY_WAVELENGTH_M = 50_000.0  # longest wavelength for data of one city
CENTRAL_SHARE = 0.99  # of the places, which the longest wavelength spans; stray ones do not stretch it


class FourierGeoEncoder(GeoEncoder):
    """Encode a position as waves of many lengths, so that street and state are both visible.

    A position becomes a point of the Earth's surface in meters (float64), is projected on directions of space, and each
    projection gives the cosine and sine of its phase at one wavelength. The vectors have length one; with wavelengths
    on a log scale their squared distance grows about linearly in the logarithm of the distance on the ground, between
    the shortest and the longest wavelength. The phases are taken in float64: at 100 m they reach 4e5 radians, which
    float32 would round to .03 radians.

    Beyond about 0.7 of the longest wavelength the distance of vectors grows no further: places several wavelengths
    apart look no farther than others, the encoding folds. So the longest wavelength follows the data unless it is set:
    `fit` takes the diameter of the sphere around the mean position that holds 99 % of the places, and at least 50 km,
    the choice for one city.

    Source: random Fourier features (Rahimi and Recht, NIPS 2007) with a log scale of wavelengths; our reading of the
    geo-position encoding of LGSID (arXiv 2511.14221), whose form we do not know (docs/method.md).

    Args:
        min_wavelength_m: Shortest wavelength in meters; places much nearer than half of it look alike.
        max_wavelength_m: Longest wavelength in meters; null to fit it to the extent of the data, at least 50 km.
        n_wavelengths: Number of wavelengths on the log scale.
        n_directions: Number of directions per wavelength, with `directions: random`.
        directions: "random" (isotropic, from `seed`) or "axes" (the three axes of space).
        seed: Random seed for the directions.
    """

    frequencies: Tensor

    def __init__(
        self,
        min_wavelength_m: float = 100.0,
        max_wavelength_m: float | None = None,
        n_wavelengths: int = 16,
        n_directions: int = 8,
        directions: Literal["random", "axes"] = "random",
        seed: int = 0,
    ) -> None:
        super().__init__()
        longest = max(CITY_WAVELENGTH_M, min_wavelength_m) if max_wavelength_m is None else max_wavelength_m
        if not 0 < min_wavelength_m <= longest < math.inf or n_wavelengths < 1 or n_directions < 1:
            raise LgsidError(
                "FourierGeoEncoder: needs 0 < min_wavelength_m <= max_wavelength_m, n_wavelengths >= 1 and"
                f" n_directions >= 1, got {min_wavelength_m}, {max_wavelength_m}, {n_wavelengths}, {n_directions}"
            )
        self.min_wavelength_m, self.max_wavelength_m, self.n_wavelengths = (
            min_wavelength_m,
            max_wavelength_m,
            n_wavelengths,
        )
        self.n_directions, self.directions, self.seed = n_directions, directions, seed
        self.register_buffer("frequencies", self._frequencies(longest))  # (3, F) radians per meter

    def _frequencies(self, longest_m: float) -> Tensor:
        """Return the frequency vectors up to a longest wavelength, `(3, F)` float64; the directions are the same."""
        bounds = math.log(self.min_wavelength_m), math.log(longest_m)
        wavelength_m = torch.linspace(*bounds, self.n_wavelengths, dtype=torch.float64).exp()
        if self.directions == "axes":
            unit = torch.eye(3, dtype=torch.float64).expand(self.n_wavelengths, 3, 3)
        else:
            generator = torch.Generator().manual_seed(self.seed)
            unit = torch.randn(self.n_wavelengths, self.n_directions, 3, generator=generator, dtype=torch.float64)
            unit = unit / unit.norm(dim=-1, keepdim=True)
        frequencies = 2 * math.pi * unit / wavelength_m[:, None, None]
        return frequencies.reshape(-1, 3).T.contiguous()

    def fit(self, lat_deg: Tensor, lon_deg: Tensor) -> None:
        """Let the longest wavelength span the positions `(N,)`; warn if it was set and is shorter than that."""
        span_m = 2 * central_radius_m(lat_deg, lon_deg, CENTRAL_SHARE)
        if self.max_wavelength_m is None:
            self.frequencies.copy_(self._frequencies(max(CITY_WAVELENGTH_M, self.min_wavelength_m, span_m)))
        elif self.max_wavelength_m < span_m:
            logger.warning(
                "FourierGeoEncoder: max_wavelength_m %.0f is shorter than the %.0f km that the places span, so that far"
                " places look near; leave it out to follow the data",
                self.max_wavelength_m,
                span_m / 1000,
            )

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
    """Return points of the Earth's surface in meters from its center, `(..., 3)` float64, good to a nanometre."""
    lat, lon = torch.deg2rad(lat_deg.double()), torch.deg2rad(lon_deg.double())
    unit = torch.stack([lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin()], dim=-1)
    return EARTH_RADIUS_M * unit


def central_radius_m(lat_deg: Tensor, lon_deg: Tensor, share: float) -> float:
    """Return the straight-line distance from the mean position within which a share of the positions `(N,)` lies."""
    if not len(lat_deg):
        return 0.0
    points = surface_point_m(lat_deg, lon_deg)
    distance = (points - points.mean(dim=0)).norm(dim=-1)
    return float(distance.kthvalue(math.ceil(share * len(distance))).values)
