"""The two tables that a source returns to the dataset builder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import geopandas
import pandas as pd

from lgsid.datasets.preparation_log import LogEntry


@dataclass(frozen=True)
class RawData:
    """Tables of places and interactions as a source read them, not yet checked.

    Args:
        items: Columns `item_id` (str), `lat`, `lon` (float64 degrees, NaN where unknown); optional `name`, `category`,
            `category_group`, `brand`, `region_1 ..` (str) and any further ones.
        interactions: Columns `user_id`, `item_id` (str), `time` (UTC timestamp), `hour`, `weekday` (int64, local);
            optional further ones that a split reads (`block`). In the order of the source.
        items_from: Origin of the items for error messages about their rows, such as a file name.
        interactions_from: Origin of the interactions for error messages.
        item_rows: 1-based data row of each item in its file, not counting the header; None for 1, 2, 3, ...
        preparation_log: What was read, and what the source itself dropped.
        polygons: Region polygons of the source, coarse to fine: name of the level -> frame with a column `name`. The
            builder uses them if its config has no regions.
        bounds: Declared `south, west, north, east` of the places in degrees, None if nothing was declared.
        time_zone: Declared IANA time zone of the places, None if nothing was declared.
    """

    items: pd.DataFrame
    interactions: pd.DataFrame
    items_from: str = "items"
    interactions_from: str = "interactions"
    item_rows: pd.Series | None = None
    preparation_log: tuple[LogEntry, ...] = ()
    polygons: dict[str, geopandas.GeoDataFrame] = field(default_factory=dict)
    bounds: Mapping[str, float] | None = None
    time_zone: str | None = None


def no_check_ins() -> pd.DataFrame:
    """Return a log without rows, with the columns and types that `RawData` asks for."""
    return pd.DataFrame(
        {
            "user_id": pd.Series(dtype="str"),
            "item_id": pd.Series(dtype="str"),
            "time": pd.Series(dtype="datetime64[us, UTC]"),
            "hour": pd.Series(dtype="int64"),
            "weekday": pd.Series(dtype="int64"),
        }
    )
