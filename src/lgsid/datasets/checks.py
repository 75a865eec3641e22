"""Validate the two tables of a source; the first problem is raised as a one-line error."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from lgsid.datasets.preparation_log import LogEntry
from lgsid.datasets.raw_data import RawData
from lgsid.datasets.reading import rows_text
from lgsid.errors import LgsidError

OnBad = Literal["error", "drop"]
SENTINELS = (-1.0, 0.0, 999.0, -999.0, 9999.0, -9999.0)  # the same number as latitude and longitude: "unknown"
SWAP_FAR_KM, SWAP_NEAR_KM = 2000.0, 500.0
Mask = npt.NDArray[np.bool_]


def missing_coordinates(lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike) -> Mask:
    """Return a mask of the points that are NaN or a sentinel such as (0, 0) or (-1, -1). Shape (N,)."""
    lat, lon = np.asarray(lat_deg, dtype=np.float64), np.asarray(lon_deg, dtype=np.float64)
    return np.asarray(np.isnan(lat) | np.isnan(lon) | ((lat == lon) & np.isin(lat, SENTINELS)))


def check_raw(raw: RawData, on_missing: OnBad, on_unknown: OnBad) -> RawData:
    """Validate the tables of a source and drop the rows that the config allows to drop.

    Args:
        raw: The tables that the source read.
        on_missing: How to handle items without coordinates: "error", or "drop" them and their interactions.
        on_unknown: How to handle interactions with items that are not in the table: "error" or "drop".

    Returns:
        The tables without the dropped rows, with a log entry for each kind of drop.

    Raises:
        LgsidError: if a table is invalid; names the file, the data rows, and what to do.
    """
    check_ids(raw)
    lat, lon = raw.items["lat"].to_numpy(np.float64), raw.items["lon"].to_numpy(np.float64)
    missing = missing_coordinates(lat, lon)
    check_ranges(raw, lat, lon, missing)
    known = raw.interactions["item_id"].isin(raw.items["item_id"]).to_numpy()
    entries = list(raw.preparation_log)
    if not known.all() and on_unknown == "error":
        rows = np.flatnonzero(~known) + 1
        example = raw.interactions["item_id"].iloc[rows[0] - 1]
        raise LgsidError(
            f"{raw.interactions_from}: {rows_text(rows)}: item {example!r} is not in {raw.items_from}; "
            "add it there, or set `unknown_items: drop`"
        )
    if not known.all():
        entries.append(LogEntry("dropped", "check-ins", int((~known).sum()), "their item is not in the items table"))
    if missing.any() and on_missing == "error":
        raise LgsidError(
            f"{raw.items_from}: {rows_text(_rows(raw, missing))}: no coordinates "
            f"({lat[missing][0]:g}, {lon[missing][0]:g}); correct them, or set `missing_coordinates: drop`"
        )
    lost = raw.interactions["item_id"].isin(raw.items["item_id"][missing]).to_numpy()
    if missing.any():
        entries.append(LogEntry("dropped", "places", int(missing.sum()), "no coordinates (NaN or a sentinel)"))
        entries.append(LogEntry("dropped", "check-ins", int(lost.sum()), "their place has no coordinates"))
    items = raw.items[~missing].reset_index(drop=True)
    interactions = raw.interactions[known & ~lost].reset_index(drop=True)
    if items.empty or interactions.empty:
        which = raw.items_from if items.empty else raw.interactions_from
        raise LgsidError(f"{which}: nothing is left of {len(raw.items)} places and {len(raw.interactions)} check-ins")
    return replace(raw, items=items, interactions=interactions, preparation_log=tuple(entries), item_rows=None)


def check_ids(raw: RawData) -> None:
    """Raise if an item id is duplicate or empty, or an interaction has no user or item."""
    for frame, where, column in (
        (raw.items, raw.items_from, "item_id"),
        (raw.interactions, raw.interactions_from, "user_id"),
        (raw.interactions, raw.interactions_from, "item_id"),
    ):
        empty = frame[column].isna().to_numpy() | (frame[column].astype(object) == "").to_numpy(dtype=bool)
        if empty.any():
            rows = _rows(raw, empty) if frame is raw.items else np.flatnonzero(empty) + 1
            raise LgsidError(f"{where}: {rows_text(rows)}: {column} is empty")
    repeated = raw.items["item_id"].duplicated().to_numpy()
    if repeated.any():
        rows = _rows(raw, repeated)
        first = raw.items["item_id"].iloc[int(np.flatnonzero(repeated)[0])]
        where = np.flatnonzero((raw.items["item_id"] == first).to_numpy())[0]
        raise LgsidError(
            f"{raw.items_from}: {rows_text(rows)}: item_id {first!r} occurs more than once "
            f"(first in data row {_rows(raw, np.arange(len(raw.items)) == where)[0]}); keep one row per place"
        )


def check_ranges(raw: RawData, lat: npt.NDArray[np.float64], lon: npt.NDArray[np.float64], missing: Mask) -> None:
    """Raise if coordinates are out of range, or latitude and longitude look swapped."""
    bad_lat, bad_lon = ~missing & ~(np.abs(lat) <= 90), ~missing & ~(np.abs(lon) <= 180)
    swapped = bad_lat & (np.abs(lat) <= 180) & (np.abs(lon) <= 90)
    swapped |= _far_but_near_when_swapped(lat, lon, ~missing & ~bad_lat & ~bad_lon)
    if swapped.any():
        at = int(np.flatnonzero(swapped)[0])
        raise LgsidError(
            f"{raw.items_from}: {rows_text(_rows(raw, swapped))}: latitude {lat[at]:g} and longitude {lon[at]:g} "
            "look swapped; exchange the two columns"
        )
    for name, values, bad, limit in (("latitude", lat, bad_lat, 90), ("longitude", lon, bad_lon, 180)):
        if bad.any():
            example = values[int(np.flatnonzero(bad)[0])]
            raise LgsidError(
                f"{raw.items_from}: {rows_text(_rows(raw, bad))}: {name} {example:g} is outside -{limit}..{limit} "
                "degrees; correct it (are the values degrees?)"
            )


def _far_but_near_when_swapped(lat: npt.NDArray[np.float64], lon: npt.NDArray[np.float64], valid: Mask) -> Mask:
    """Return a mask of the valid points that are far from the median position, but near it with the values swapped."""
    suspicious = np.zeros(len(lat), dtype=bool)
    rows = np.flatnonzero(valid)
    if len(rows):
        y, x = lat[rows], lon[rows]
        middle = float(np.median(y)), float(np.median(x))
        suspicious[rows] = (_rough_km(y, x, *middle) > SWAP_FAR_KM) & (_rough_km(x, y, *middle) < SWAP_NEAR_KM)
    return suspicious


def _rough_km(
    lat: npt.NDArray[np.float64], lon: npt.NDArray[np.float64], center_lat: float, center_lon: float
) -> npt.NDArray[np.float64]:
    """Return great-circle distances to one point, in km."""
    phi, center = np.radians(lat), np.radians(center_lat)
    cosine = np.sin(phi) * np.sin(center) + np.cos(phi) * np.cos(center) * np.cos(np.radians(lon - center_lon))
    return np.asarray(6371.0 * np.arccos(np.clip(cosine, -1, 1)))


def _rows(raw: RawData, mask: Mask) -> npt.NDArray[np.int64]:
    """Return the 1-based data rows of items."""
    if raw.item_rows is None:
        return np.flatnonzero(mask).astype(np.int64) + 1
    return np.sort(raw.item_rows.to_numpy(np.int64)[mask])


def drop_repeated(interactions: pd.DataFrame) -> tuple[pd.DataFrame, list[LogEntry]]:
    """Drop all but the first of check-ins with the same user, item and time."""
    repeated = interactions.duplicated(["user_id", "item_id", "time"]).to_numpy()
    if not repeated.any():
        return interactions, []
    entry = LogEntry("dropped", "check-ins", int(repeated.sum()), "same user, place and time as an earlier row")
    return interactions[~repeated].reset_index(drop=True), [entry]
