"""An area that is read: four sides in degrees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from lgsid.errors import LgsidError

SIDES = ("south", "west", "north", "east")
LIMITS = {"south": 90.0, "west": 180.0, "north": 90.0, "east": 180.0}
MARGIN_DEG = 1e-4  # statistics may be of float32, which is off by 1e-5 degrees


@dataclass(frozen=True)
class Area:
    """A box of latitudes and longitudes, its sides included; it does not cross the date line.

    Args:
        south: Smallest latitude in degrees.
        west: Smallest longitude.
        north: Largest latitude.
        east: Largest longitude.
    """

    south: float
    west: float
    north: float
    east: float

    @classmethod
    def of(cls, sides: Mapping[str, float], where: str) -> Area:
        """Read the four sides.

        Args:
            sides: `south`, `west`, `north` and `east` in degrees.
            where: Who asks, for the message.

        Raises:
            LgsidError: if a side is missing, unknown or out of range, or they are exchanged.
        """
        values = {side: float(sides.get(side, np.nan)) for side in SIDES}
        wrong = set(sides) != set(SIDES) or not all(abs(values[side]) <= LIMITS[side] for side in SIDES)
        if wrong or values["south"] >= values["north"] or values["west"] >= values["east"]:
            raise LgsidError(
                f"{where}: area {dict(sides)}: expected south, west, north and east in degrees, south below north and "
                "west below east, such as {south: 40.4, west: -74.3, north: 41, east: -73.6}"
            )
        return cls(**values)

    def contains(self, lat: npt.NDArray[np.float64], lon: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Tell which positions (N,) lie inside; one that is not a number does not."""
        return np.asarray((lat >= self.south) & (lat <= self.north) & (lon >= self.west) & (lon <= self.east))

    def may_meet(self, group: pq.RowGroupMetaData, lat: str, lon: str) -> bool:
        """Tell whether a row group may hold a position inside, by its statistics.

        Args:
            group: Metadata of the row group.
            lat: Dotted name of the column with latitudes.
            lon: That of the longitudes. A column that is missing, or has no statistics, excludes nothing.
        """
        statistics = {group.column(i).path_in_schema: group.column(i).statistics for i in range(group.num_columns)}
        return overlaps(statistics.get(lat), self.south, self.north) and overlaps(
            statistics.get(lon), self.west, self.east
        )


def overlaps(statistics: Any, low: float, high: float) -> bool:
    """Tell whether the values behind statistics may lie between two numbers; so they may where there are none."""
    if statistics is None or not statistics.has_min_max:
        return True
    return bool(statistics.min <= high + MARGIN_DEG and statistics.max >= low - MARGIN_DEG)
