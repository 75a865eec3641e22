"""Grid cells as text: a position as pairs of small numbers, from coarse to fine."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

MICRODEGREES = 1_000_000
COARSEST_DEG = 10
LEVELS = 5
FIELD = re.compile(r"cell_([1-9]\d*)")


def cell_texts(lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike, level: int) -> list[str]:
    """Return the row and column, within the cell one level above, of the grid cell of each place: "7 0".

    The grid is fixed to the globe, so that places of all cities are named alike, wherever the data end. Its cells at
    level 1 are 10 degrees on a side, their rows counted from the south pole (0 to 17) and their columns from the date
    line eastwards (0 to 35). Each further level divides a cell into ten by ten, so that row and column are 0 to 9. A
    cell at level 5 is 0.001 degrees on a side: 111 m from south to north, 84 m from west to east in New York, 111 m
    at the equator. Places of one cell have one text at every level up to its own; neighbors across the border of a
    coarse cell do not, as with any grid. Our reading of naming a place by its cells instead of by decimals.

    Args:
        lat_deg: Latitudes, shape (N,); missing ones are NaN.
        lon_deg: Longitudes, shape (N,).
        level: Level of the grid, 1 (coarsest) to `LEVELS`.

    Returns:
        N texts, empty where a coordinate is missing.
    """
    lat, lon = np.asarray(lat_deg, dtype=np.float64), np.asarray(lon_deg, dtype=np.float64)
    known = np.isfinite(lat) & np.isfinite(lon)
    south = np.rint((np.where(known, lat, 0.0) + 90) * MICRODEGREES).astype(np.int64)  # whole numbers: 40.7 is in 40.7
    west = np.rint((np.where(known, lon, 0.0) + 180) * MICRODEGREES).astype(np.int64) % (360 * MICRODEGREES)
    south = np.minimum(south, 180 * MICRODEGREES - 1)  # the north pole is in the northernmost row
    side = COARSEST_DEG * MICRODEGREES // 10 ** (level - 1)
    row, column = south // side, west // side
    if level > 1:
        row, column = row % 10, column % 10
    return [f"{r} {c}" if k else "" for r, c, k in zip(row.tolist(), column.tolist(), known.tolist(), strict=True)]


def cell_level(field: str) -> int | None:
    """Return the level of the grid that a field names (`cell_1` .. `cell_5`), or None if it names none."""
    match = FIELD.fullmatch(field)
    return int(match.group(1)) if match and int(match.group(1)) <= LEVELS else None
