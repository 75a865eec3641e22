"""Foursquare Open Source Places."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from lgsid_overture.parquet_places import ParquetPlaces, at, field, texts, with_coarser

SEPARATOR = " > "  # between the levels of a category label


class FoursquareOSPlaces(ParquetPlaces):
    """Foursquare Open Source Places (docs.foursquare.com/data-products/docs/places-os-data-schema), Parquet.

    `fsq_place_id`, `latitude`, `longitude`, `name`; of the first of `fsq_category_labels`, such as `Dining and Drinking
    > Restaurant > Pizzeria`, the last part is the category and the first its group; regions are `country`, `region` and
    `locality`, an empty one named after the coarser. A place with a `date_closed` is closed.
    """

    schema: ClassVar[str] = "Foursquare OS places"
    needed: ClassVar[tuple[str, ...]] = ("fsq_place_id", "name", "latitude", "longitude")
    optional: ClassVar[tuple[str, ...]] = ("fsq_category_labels", "date_closed", "country", "region", "locality")
    position: ClassVar[tuple[str, str]] = ("latitude", "longitude")

    def refused(self, table: pa.Table) -> dict[str, npt.NDArray[np.bool_]]:
        """Return the places that are closed."""
        return {} if self.keep_closed else {"closed": texts(table, "date_closed") != ""}

    def places(self, table: pa.Table, path: Path) -> pd.DataFrame:
        """Return the columns of places."""
        label = at(field(table, "fsq_category_labels"), 0)
        levels = None if label is None else pc.split_pattern(pc.cast(label, pa.string()), SEPARATOR)
        named = {"category": at(levels, -1), "category_group": at(levels, 0)}
        categories = pa.table({name: values for name, values in named.items() if values is not None})
        columns = {
            "item_id": table["fsq_place_id"].to_pandas(),
            "lat": degrees(table["latitude"]),
            "lon": degrees(table["longitude"]),
            "name": texts(table, "name"),
            **{name: texts(categories, name) for name in categories.column_names},
        }
        if any(field(table, part) is not None for part in ("country", "region", "locality")):
            columns |= with_coarser([texts(table, part) for part in ("country", "region", "locality")])
        return pd.DataFrame(columns)


def degrees(values: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    """Return numbers (N,) as float64, not a number where they are missing."""
    return np.asarray(pc.fill_null(pc.cast(values, pa.float64()), np.nan).to_numpy(), dtype=np.float64)
