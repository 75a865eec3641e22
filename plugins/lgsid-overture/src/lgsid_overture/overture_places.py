"""Places of Overture Maps."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from lgsid.errors import LgsidError
from lgsid_overture.parquet_places import ParquetPlaces, at, field, texts, with_coarser

CLOSED = "permanently_closed"


class OverturePlaces(ParquetPlaces):
    """Places of Overture Maps (docs.overturemaps.org/schema/reference/places/place), GeoParquet of any release.

    id, position (`geometry`, WKB points in degrees), `names.primary`, category, `brand.names.primary`; regions are
    country, region and locality of the first address, an empty one named after the coarser. The category is
    `taxonomy.primary` in releases that have it, with the first of `taxonomy.hierarchy` as its group, else
    `categories.primary`; words instead of identifiers (`pizza_restaurant` is `pizza restaurant`).

    A place that is `permanently_closed` is closed, one that is closed for a time is not.

    Args:
        items: Parquet file, or a folder with any number of them, also in folders below it.
        min_confidence: Least confidence that a place exists, 0 to 1; places without one are kept.
        **options: Those of `ParquetPlaces`.
    """

    schema: ClassVar[str] = "Overture places"
    needed: ClassVar[tuple[str, ...]] = ("id", "geometry", "names.primary")
    optional: ClassVar[tuple[str, ...]] = (
        "categories.primary",
        "taxonomy.primary",
        "taxonomy.hierarchy",
        "confidence",
        "operating_status",
        "brand.names.primary",
        "addresses",
    )
    position: ClassVar[tuple[str, str]] = ("bbox.ymin", "bbox.xmin")

    def __init__(self, items: str | Path, min_confidence: float = 0.0, **options: Any) -> None:
        if not 0 <= min_confidence <= 1:
            raise LgsidError(f"OverturePlaces: min_confidence must be between 0 and 1, not {min_confidence:g}")
        self.min_confidence = min_confidence
        super().__init__(items, **options)

    def refused(self, table: pa.Table) -> dict[str, npt.NDArray[np.bool_]]:
        """Return the places that are closed, and those that may not exist."""
        reasons = {}
        if not self.keep_closed:
            reasons["closed"] = texts(table, "operating_status") == CLOSED
        confidence = field(table, "confidence")
        if confidence is not None and self.min_confidence > 0:
            values = pc.fill_null(pc.cast(confidence, pa.float64()), 1.0).to_numpy()
            reasons[f"confidence below {self.min_confidence:g}"] = values < self.min_confidence
        return reasons

    def places(self, table: pa.Table, path: Path) -> pd.DataFrame:
        """Return the columns of places."""
        lat, lon = positions(table["geometry"], path)
        taxonomy = "taxonomy.primary" if field(table, "taxonomy.primary") is not None else "categories.primary"
        group = at(field(table, "taxonomy.hierarchy"), 0)
        address = at(field(table, "addresses"), 0)
        parts = pa.table({"group": group} if group is not None else {})
        first = pa.table({"address": address} if address is not None else {})
        columns = {
            "item_id": table["id"].to_pandas(),
            "lat": lat,
            "lon": lon,
            "name": texts(table, "names.primary"),
            "category": words(texts(table, taxonomy)),
        }
        if group is not None:
            columns["category_group"] = words(texts(parts, "group"))
        if field(table, "brand.names.primary") is not None:
            columns["brand"] = texts(table, "brand.names.primary")
        if address is not None:
            levels = [texts(first, f"address.{part}") for part in ("country", "region", "locality")]
            columns |= with_coarser(levels)
        return pd.DataFrame(columns)


def positions(geometry: pa.ChunkedArray, path: Path) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return latitudes and longitudes (N,) of points in WKB, not a number where there is none.

    Raises:
        LgsidError: if these are no points in WKB.
    """
    try:
        points = shapely.from_wkb(geometry.to_numpy())
    except (shapely.errors.ShapelyError, TypeError) as error:
        raise LgsidError(
            f"{path}: column 'geometry' holds no geometries in WKB ({str(error).splitlines()[0]})"
        ) from error
    other = ~np.isin(shapely.get_type_id(points), (-1, 0))
    if other.any():
        kind = points[other][0].geom_type
        raise LgsidError(
            f"{path}: column 'geometry' holds a {kind}; places are points: read type=place of theme=places"
        )
    return shapely.get_y(points), shapely.get_x(points)


def words(identifiers: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """Return identifiers in snake case (N,) as words."""
    return np.asarray(pd.Series(identifiers, dtype=object).str.replace("_", " ", regex=False), dtype=object)
