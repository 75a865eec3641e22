"""Check latitudes and longitudes: in range, and not exchanged.

What an exchange of the two columns can be told by, the first that applies:

1. A value out of range: latitude -118 is a longitude. Tells all places west of 90 W or east of 90 E.
2. A place far from the others that would be near them: tells single exchanged rows.
3. Declared bounds: a place outside that would be inside.
4. The time zone that the table declares: most places far from the zone's main city would be near it.
5. Latitudes where nobody lives, south of 56 S or north of 79 N: tells New York (41 N 74 W), not Berlin (52 N 13 E).

A table without bounds and time zone whose exchanged places are all in range and at inhabited latitudes cannot be told
from a table of other places; nor can places near the lines where latitude and longitude are equal, by anything.
"""

from __future__ import annotations

import importlib.resources
import re
from collections.abc import Callable, Mapping
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from lgsid.artefacts.columns import Mask, bad_rows, rows_text
from lgsid.errors import LgsidError

Degrees = npt.NDArray[np.float64]
Rows = Callable[[Mask], npt.NDArray[np.int64]]
SENTINELS = (-1.0, 0.0, 999.0, -999.0, 9999.0, -9999.0)  # the same number as latitude and longitude: "unknown"
LIMITS_DEG = {"latitude": 90.0, "longitude": 180.0}
SIDES = ("south", "west", "north", "east")
SWAP_FAR_KM, SWAP_NEAR_KM = 2000.0, 500.0  # from the middle of the other places
ZONE_FAR_KM, ZONE_RATIO = 1500.0, 4.0  # from the main city of the time zone; how much nearer exchanged places are
INHABITED_DEG = (-56.0, 79.0)  # from Puerto Williams to Longyearbyen, with a degree to spare
FEW_LIVE_DEG = 60.0
ISO_6709 = re.compile(r"([+-]\d{4,6})([+-]\d{5,7})")


def missing_coordinates(lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike) -> Mask:
    """Return a mask of the points that are NaN or a sentinel such as (0, 0) or (-1, -1). Shape (N,)."""
    lat, lon = np.asarray(lat_deg, dtype=np.float64), np.asarray(lon_deg, dtype=np.float64)
    return np.asarray(np.isnan(lat) | np.isnan(lon) | ((lat == lon) & np.isin(lat, SENTINELS)))


def check_coordinates(
    lat_deg: Degrees,
    lon_deg: Degrees,
    where: str,
    *,
    bounds: Mapping[str, float] | None = None,
    time_zone: str | None = None,
    rows: Rows = bad_rows,
) -> None:
    """Raise if coordinates are out of range, outside the declared bounds, or look exchanged.

    Args:
        lat_deg: Shape (N,); missing coordinates are left out, see `missing_coordinates`.
        lon_deg: Shape (N,).
        where: File, for the message.
        bounds: Declared `south, west, north, east` in degrees; they settle what nothing else can.
        time_zone: Declared IANA time zone of the places.
        rows: Function that returns the 1-based data rows of a mask of shape (N,).

    Raises:
        LgsidError: names the data rows, and what to do.
    """
    valid = ~missing_coordinates(lat_deg, lon_deg)
    _check_range(lat_deg, lon_deg, where, valid, rows)
    lat, lon = np.where(valid, lat_deg, np.nan), np.where(valid, lon_deg, np.nan)
    swapped = _far_but_near_when_swapped(lat, lon, valid)
    if bounds is not None:
        outside = valid & ~_inside(lat, lon, bounds)
        swapped |= outside & _inside(lon, lat, bounds)
        _raise_swapped(lat, lon, where, swapped, rows)
        if outside.any():
            at = int(np.flatnonzero(outside)[0])
            raise LgsidError(
                f"{where}: {rows_text(rows(outside))}: latitude {lat[at]:g}, longitude {lon[at]:g} is outside the "
                "declared bounds; correct the place or `bounds`"
            )
        return
    _raise_swapped(lat, lon, where, swapped, rows)
    _check_inhabited(lat[valid], lon[valid], where)
    if time_zone is not None:
        _check_zone(lat[valid], lon[valid], where, time_zone)


def check_in_range(lat_deg: Degrees, lon_deg: Degrees, where: str) -> None:
    """Raise if a coordinate is neither NaN nor in range; names its data row."""
    known = ~np.isnan(lat_deg) & ~np.isnan(lon_deg)
    _check_range(lat_deg, lon_deg, where, known, bad_rows)


def check_bounds(bounds: Mapping[str, float]) -> None:
    """Raise if declared bounds do not name the four sides, or a side is out of range."""
    sides = {side: bounds.get(side, np.nan) for side in SIDES}
    limits = {"south": 90.0, "north": 90.0, "west": 180.0, "east": 180.0}
    wrong = [side for side, value in sides.items() if not abs(value) <= limits[side]]
    if wrong or set(bounds) != set(SIDES) or sides["south"] >= sides["north"]:
        raise LgsidError(
            f"bounds {dict(bounds)}: expected south, west, north and east in degrees, south below north, such as "
            "{south: 40.4, west: -74.3, north: 41, east: -73.6}"
        )


def n_where_few_live(lat_deg: Degrees) -> int:
    """Count the places beyond 60 degrees of latitude if they are most of them, else 0: a hint, not a mistake."""
    beyond = int((np.abs(lat_deg) > FEW_LIVE_DEG).sum())
    return beyond if 2 * beyond > len(lat_deg) else 0


def great_circle_km(lat_deg: Degrees, lon_deg: Degrees, center_lat: float, center_lon: float) -> Degrees:
    """Return great-circle distances to one point, in km."""
    phi, center = np.radians(lat_deg), np.radians(center_lat)
    cosine = np.sin(phi) * np.sin(center) + np.cos(phi) * np.cos(center) * np.cos(np.radians(lon_deg - center_lon))
    return np.asarray(6371.0 * np.arccos(np.clip(cosine, -1, 1)))


@lru_cache(maxsize=1)
def places_of_zones() -> dict[str, tuple[float, float]]:
    """Return latitude and longitude of the main city of each IANA time zone, in degrees."""
    table = importlib.resources.files("tzdata") / "zoneinfo" / "zone.tab"
    fields = [line.split("\t") for line in table.read_text("utf-8").splitlines() if not line.startswith("#")]
    found = {row[2]: ISO_6709.fullmatch(row[1]) for row in fields}
    return {zone: (_degrees(match[1], 2), _degrees(match[2], 3)) for zone, match in found.items() if match}


def _degrees(text: str, width: int) -> float:
    """Return degrees of `+DDMM`, `+DDMMSS` (width 2) or `+DDDMM`, `+DDDMMSS` (width 3)."""
    digits = text[1:]
    size = int(digits[:width]) + int(digits[width : width + 2]) / 60 + int(digits[width + 2 :] or 0) / 3600
    return -size if text[0] == "-" else size


def _check_range(lat: Degrees, lon: Degrees, where: str, valid: Mask, rows: Rows) -> None:
    """Raise if a coordinate is out of range; where the exchanged ones are in range, say so."""
    bad_lat, bad_lon = valid & ~(np.abs(lat) <= 90), valid & ~(np.abs(lon) <= 180)
    _raise_swapped(lat, lon, where, bad_lat & (np.abs(lat) <= 180) & (np.abs(lon) <= 90), rows)
    for (name, limit), values, bad in zip(LIMITS_DEG.items(), (lat, lon), (bad_lat, bad_lon), strict=True):
        if bad.any():
            example = values[int(np.flatnonzero(bad)[0])]
            around = name == "longitude" and bool(((values[valid] >= 0) & (values[valid] <= 360)).all())
            what = "subtract 360 from those above 180" if around else "correct it (are the values degrees?)"
            raise LgsidError(
                f"{where}: {rows_text(rows(bad))}: {name} {example:g} is outside -{limit:g}..{limit:g} degrees; {what}"
            )


def _raise_swapped(lat: Degrees, lon: Degrees, where: str, swapped: Mask, rows: Rows) -> None:
    if swapped.any():
        at = int(np.flatnonzero(swapped)[0])
        raise LgsidError(
            f"{where}: {rows_text(rows(swapped))}: latitude {lat[at]:g} and longitude {lon[at]:g} "
            "look swapped; exchange the two columns"
        )


def _far_but_near_when_swapped(lat: Degrees, lon: Degrees, valid: Mask) -> Mask:
    """Return a mask of the valid points that are far from the median position, but near it with the values swapped."""
    suspicious = np.zeros(len(lat), dtype=bool)
    at = np.flatnonzero(valid)
    if len(at):
        y, x = lat[at], lon[at]
        middle = float(np.median(y)), float(np.median(x))
        suspicious[at] = (great_circle_km(y, x, *middle) > SWAP_FAR_KM) & (
            great_circle_km(x, y, *middle) < SWAP_NEAR_KM
        )
    return suspicious


def _inside(lat: Degrees, lon: Degrees, bounds: Mapping[str, float]) -> Mask:
    """Return a mask of the points within bounds, which may cross the 180th meridian."""
    east_of_west, west_of_east = lon >= bounds["west"], lon <= bounds["east"]
    across = bounds["west"] > bounds["east"]
    within = (east_of_west | west_of_east) if across else (east_of_west & west_of_east)
    return np.asarray(within & (lat >= bounds["south"]) & (lat <= bounds["north"]))


def _check_inhabited(lat: Degrees, lon: Degrees, where: str) -> None:
    """Raise if most places are at latitudes where nobody lives."""
    nobody = (lat < INHABITED_DEG[0]) | (lat > INHABITED_DEG[1])
    if 2 * nobody.sum() > len(lat):
        at = int(np.flatnonzero(nobody)[0])
        raise LgsidError(
            f"{where}: most places are where nobody lives (latitude {lat[at]:g}, longitude {lon[at]:g}): "
            "latitude and longitude look swapped; exchange the two columns, or declare `bounds`"
        )


def _check_zone(lat: Degrees, lon: Degrees, where: str, time_zone: str) -> None:
    """Raise if most places are far from the main city of their time zone, and would be near it when exchanged."""
    city = places_of_zones().get(time_zone)
    if city is None or not len(lat):
        return
    away_km = great_circle_km(lat, lon, *city)
    exchanged_km = np.where(np.abs(lon) <= 90, great_circle_km(lon, lat, *city), np.inf)
    swapped = (away_km > ZONE_FAR_KM) & (exchanged_km * ZONE_RATIO < away_km)
    if 2 * swapped.sum() > len(lat):
        at = int(np.flatnonzero(swapped)[0])
        raise LgsidError(
            f"{where}: latitude {lat[at]:g} and longitude {lon[at]:g} look swapped: most places are {away_km[at]:,.0f} "
            f"km from {time_zone}, exchanged {exchanged_km[at]:,.0f} km; exchange the two columns, or correct "
            "`time_zone`, or declare `bounds`"
        )
