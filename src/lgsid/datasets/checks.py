"""Validate the two tables of a source; the first problem is raised as a one-line error."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from lgsid.artefacts.columns import bad_rows, find_bad_ids, rows_text
from lgsid.artefacts.coordinates import check_coordinates, missing_coordinates, n_where_few_live
from lgsid.datasets.preparation_log import LogEntry
from lgsid.datasets.raw_data import RawData
from lgsid.errors import LgsidError

OnBad = Literal["error", "drop"]
Mask = npt.NDArray[np.bool_]


def check_raw(raw: RawData, on_missing: OnBad, on_unknown: OnBad, places_only: bool = False) -> RawData:
    """Validate the tables of a source and drop the rows that the config allows to drop.

    Args:
        raw: The tables that the source read.
        on_missing: How to handle items without coordinates: "error", or "drop" them and their interactions.
        on_unknown: How to handle interactions with items that are not in the table: "error" or "drop".
        places_only: Whether there may be no interactions.

    Returns:
        The tables without the dropped rows, with a log entry for each kind of drop.

    Raises:
        LgsidError: if a table is invalid; names the file, the data rows, and what to do.
    """
    check_raw_ids(raw)
    lat, lon = raw.items["lat"].to_numpy(np.float64), raw.items["lon"].to_numpy(np.float64)
    missing = missing_coordinates(lat, lon)
    rows_of = partial(_rows, raw)
    check_coordinates(lat, lon, raw.items_from, bounds=raw.bounds, time_zone=raw.time_zone, rows=rows_of)
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
    if raw.bounds is None and (beyond := n_where_few_live(lat[~missing])):
        why = "beyond 60 degrees of latitude, where few people live; are lat and lon exchanged?"
        entries.append(LogEntry("noticed", "places", beyond, why))
    items = raw.items[~missing].reset_index(drop=True)
    interactions = raw.interactions[known & ~lost].reset_index(drop=True)
    if items.empty or (interactions.empty and not places_only):
        which = raw.items_from if items.empty else raw.interactions_from
        hint = "; the split PlacesOnly does without check-ins" if len(items) and raw.interactions.empty else ""
        raise LgsidError(
            f"{which}: nothing is left of {len(raw.items)} places and {len(raw.interactions)} check-ins{hint}"
        )
    return replace(raw, items=items, interactions=interactions, preparation_log=tuple(entries), item_rows=None)


def check_raw_ids(raw: RawData) -> None:
    """Raise if an item id is duplicate, or an id of an item or a user is empty or cannot be one."""
    for frame, where, column in (
        (raw.items, raw.items_from, "item_id"),
        (raw.interactions, raw.interactions_from, "user_id"),
        (raw.interactions, raw.interactions_from, "item_id"),
    ):
        if found := find_bad_ids(frame[column]):
            mask, why = found
            rows = _rows(raw, mask) if frame is raw.items else bad_rows(mask)
            example = "" if why == "is empty" else f" {frame[column][mask].iloc[0]!r}"
            raise LgsidError(f"{where}: {rows_text(rows)}: {column}{example} {why}")
    repeated = raw.items["item_id"].duplicated().to_numpy()
    if repeated.any():
        rows = _rows(raw, repeated)
        first = raw.items["item_id"].iloc[int(np.flatnonzero(repeated)[0])]
        where = np.flatnonzero((raw.items["item_id"] == first).to_numpy())[0]
        raise LgsidError(
            f"{raw.items_from}: {rows_text(rows)}: item_id {first!r} occurs more than once "
            f"(first in data row {_rows(raw, np.arange(len(raw.items)) == where)[0]}); keep one row per place"
        )


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
