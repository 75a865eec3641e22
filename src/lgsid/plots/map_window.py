"""A flat picture of a city: kilometers east and north of its middle, and what a map needs besides."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.patheffects import Normal, Stroke
from scipy.spatial import cKDTree

from lgsid.functional.distances import EARTH_RADIUS_M
from lgsid.plots.palette import INK, PAPER

KM_PER_DEGREE = EARTH_RADIUS_M / 1000 * math.pi / 180
ZOOMS = (0.2, 0.28, 0.4, 0.55)  # widths of a close-up, over the width of the city


@dataclass(frozen=True)
class MapWindow:
    """A rectangle of a map, in km east and north of the origin of its frame."""

    west_km: float
    south_km: float
    width_km: float
    height_km: float

    def inside(self, xy_km: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Tell which points, of shape (N, 2), lie in the rectangle; shape (N,)."""
        low = np.array([self.west_km, self.south_km])
        high = low + np.array([self.width_km, self.height_km])
        return np.asarray(((xy_km >= low) & (xy_km <= high)).all(axis=1))

    def show(self, axes: Axes) -> None:
        """Make a panel show exactly this rectangle, a km as long to the north as to the east."""
        axes.set_xlim(self.west_km, self.west_km + self.width_km)
        axes.set_ylim(self.south_km, self.south_km + self.height_km)
        axes.set_aspect("equal", adjustable="box")


def local_km(
    lat_deg: npt.NDArray[np.float64],
    lon_deg: npt.NDArray[np.float64],
    origin: tuple[float, float] | None = None,
) -> npt.NDArray[np.float64]:
    """Return kilometers east and north of the origin, shape (N, 2): longitudes shrink by the cosine of the latitude.

    Args:
        lat_deg: Shape (N,).
        lon_deg: Shape (N,). A city across the date line stays in one piece.
        origin: Latitude and longitude of the origin, in degrees; `frame_origin` by default.
    """
    origin = origin or frame_origin(lat_deg, lon_deg)
    east = (lon_deg - origin[1] + 180.0) % 360.0 - 180.0
    return np.stack(
        [east * KM_PER_DEGREE * math.cos(math.radians(origin[0])), (lat_deg - origin[0]) * KM_PER_DEGREE], 1
    )


def frame_origin(lat_deg: npt.NDArray[np.float64], lon_deg: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return the median latitude and the circular mean longitude of places, of shape (N,) each."""
    turned = np.exp(1j * np.radians(lon_deg)).sum()
    return float(np.median(lat_deg)), math.degrees(math.atan2(turned.imag, turned.real))


def city_window(xy_km: npt.NDArray[np.float64], share: float = 0.98, aspect: float = 1.0) -> MapWindow:
    """Return the rectangle around the bulk of the places, so that a few far ones do not shrink the picture.

    Args:
        xy_km: Shape (N, 2).
        share: Share of the places that each axis keeps.
        aspect: Width over height of the rectangle.
    """
    tail = (1 - share) / 2
    low, high = np.quantile(xy_km, tail, axis=0), np.quantile(xy_km, 1 - tail, axis=0)
    size = np.maximum(high - low, 0.05) * 1.06
    width = max(size[0], size[1] * aspect)
    return window_around((low + high) / 2, float(width), aspect)


def dense_window(xy_km: npt.NDArray[np.float64], city: MapWindow, share: float = 0.3) -> MapWindow:
    """Return the smallest rectangle, of the sizes in `ZOOMS`, around a dense center that holds a share of the places.

    Args:
        xy_km: Shape (N, 2).
        city: The rectangle of the whole city; the result has its aspect.
        share: Share of all places that it must hold.
    """
    tree = cKDTree(xy_km)
    for zoom in ZOOMS:
        width = city.width_km * zoom
        near = tree.query_ball_point(xy_km, r=width / 2, return_length=True)
        window = window_around(xy_km[int(np.argmax(near))], width, city.width_km / city.height_km)
        if window.inside(xy_km).mean() >= share:
            break
    return window


def window_around(center_km: npt.NDArray[np.float64], width_km: float, aspect: float) -> MapWindow:
    """Return the rectangle of the given width, and width over height, around a point of shape (2,)."""
    height = width_km / aspect
    return MapWindow(float(center_km[0]) - width_km / 2, float(center_km[1]) - height / 2, width_km, height)


def round_length_km(width_km: float) -> float:
    """Return the longest of 1, 2, 5, 10, ... (or .1, .2, .5) km that is at most a quarter of a map's width."""
    limit = width_km / 4
    power = 10.0 ** math.floor(math.log10(limit))
    return max(step * power for step in (1, 2, 5) if step * power <= limit * (1 + 1e-9))


def draw_scale_bar(axes: Axes, window: MapWindow) -> None:
    """Draw a bar of a round length at the lower left of a map, with that length beside it."""
    length = round_length_km(window.width_km)
    x, y = window.west_km + 0.04 * window.width_km, window.south_km + 0.045 * window.height_km
    halo = [Stroke(linewidth=3, foreground=PAPER), Normal()]
    axes.plot([x, x + length], [y, y], color=INK, linewidth=2, solid_capstyle="butt", zorder=5, path_effects=halo)
    text = f"{length:g} km" if length >= 1 else f"{length * 1000:g} m"
    middle = (x + length / 2, y + 0.015 * window.height_km)
    axes.text(*middle, text, ha="center", va="bottom", fontsize=8, color=INK, zorder=5, path_effects=halo)
