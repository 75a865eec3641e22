"""What a source hands to the dataset builder."""

from __future__ import annotations

from dataclasses import dataclass, field

import geopandas
import pandas as pd

from lgsid.datasets.note import Note


@dataclass(frozen=True)
class RawData:
    """Two tables as they were read, not yet checked.

    Args:
        items: Columns `item_id` (str), `lat`, `lon` (float64 degrees, NaN where unknown); optional `name`, `category`,
            `category_group`, `brand`, `region_1 ..` (str) and any further ones.
        interactions: Columns `user_id`, `item_id` (str), `time` (UTC timestamp), `hour`, `weekday` (int64, local);
            optional further ones that a split reads (`block`). In the order of the source.
        items_from: Where the items come from, for messages about their rows (a file name).
        interactions_from: Where the interactions come from.
        item_rows: 1-based data row of each item in its file, the header not counted; None for 1, 2, 3, ...
        notes: What was read, and what the source itself left out.
        polygons: Region polygons that the source brings along: name of the level -> frame with a column `name`.
            Coarse to fine. The builder uses them when it is given no regions of its own.
    """

    items: pd.DataFrame
    interactions: pd.DataFrame
    items_from: str = "items"
    interactions_from: str = "interactions"
    item_rows: pd.Series | None = None
    notes: tuple[Note, ...] = ()
    polygons: dict[str, geopandas.GeoDataFrame] = field(default_factory=dict)
