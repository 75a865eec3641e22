"""The canonical table of places."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import geopandas
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from lgsid.artefacts.columns import check_ids, repeated_names, to_ids, to_numbers, to_texts
from lgsid.artefacts.coordinates import check_in_range
from lgsid.artefacts.files import atomic_path
from lgsid.artefacts.numbered_ids import NumberedIds
from lgsid.artefacts.tables import open_parquet, table_html, to_frame
from lgsid.errors import LgsidError, located

TEXT_COLUMNS = ("item_id", "name", "category", "category_group", "brand")
COLUMNS = (*TEXT_COLUMNS, "lat", "lon")


@dataclass(frozen=True, repr=False)
class Items:
    """Places in a fixed order: an item's row is its identity inside models and arrays.

    Args:
        frame: Columns `item_id, name, category, category_group, brand` (str, empty where unknown), `lat, lon`
            (float64 degrees, NaN where unknown), `region_1 .. region_R` (str, coarse to fine, empty where unknown), a
            point geometry in EPSG:4326, and any further columns. The index is 0..N-1.
    """

    frame: geopandas.GeoDataFrame

    def __post_init__(self) -> None:
        missing = [name for name in COLUMNS if name not in self.frame.columns]
        if missing:
            raise LgsidError(f"items table: missing column {', '.join(missing)}")
        check_ids(self.frame["item_id"], "items table")
        check_in_range(self.lat_deg, self.lon_deg, "items table")
        if not self.frame["item_id"].is_unique:
            repeated = self.frame["item_id"][self.frame["item_id"].duplicated()].iloc[0]
            raise LgsidError(f"items table: item_id {repeated!r} occurs more than once")

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> Items:
        """Build from a plain table: fills missing texts with "", adds the geometry, resets the index.

        Raises:
            LgsidError: if `item_id`, `lat` or `lon` is missing, an id is none or occurs more than once, or a coordinate
                is out of range.
        """
        missing = [name for name in ("item_id", "lat", "lon") if name not in frame.columns]
        if missing:
            raise LgsidError(f"items table: missing column {', '.join(missing)}")
        if twice := repeated_names(map(str, frame.columns)):
            raise LgsidError(f"items table: column {twice[0]!r} occurs more than once; rename one of them")
        frame = frame.reset_index(drop=True)
        frame = frame.assign(**{c: "" for c in TEXT_COLUMNS if c not in frame.columns})
        texts = [c for c in frame.columns if c in TEXT_COLUMNS or c.startswith("region_")]
        frame = frame.assign(**{c: to_texts(frame[c], f"items table: column {c}") for c in texts if c != "item_id"})
        frame["item_id"] = to_ids(frame["item_id"], "items table: column item_id")
        frame = frame.assign(**{c: to_numbers(frame[c], f"items table: column {c}") for c in ("lat", "lon")})
        points = geopandas.points_from_xy(frame["lon"], frame["lat"], crs="EPSG:4326")
        return cls(geopandas.GeoDataFrame(frame, geometry=points))

    @classmethod
    def read(cls, path: str | Path) -> Items:
        """Read a GeoParquet file written by `write`; the geometry is made of `lat` and `lon`.

        Raises:
            LgsidError: if it is missing, unreadable, lacks a column, or an id or a coordinate cannot be one.
        """
        table = open_parquet(path, COLUMNS, "items table")
        for name in table.column_names:
            kind = table.schema.field(name).type
            kind = kind.value_type if pa.types.is_dictionary(kind) else kind
            wanted = name in TEXT_COLUMNS or name.startswith("region_")
            if wanted and not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
                raise LgsidError(f"{path}: column {name} holds {kind}, not texts; write the items again with lgsid")
        frame = to_frame(path, table.select([name for name in table.column_names if name != "geometry"]))
        with located(path):
            return cls.from_frame(frame)

    def write(self, path: str | Path) -> None:
        """Write as GeoParquet, atomically."""
        with atomic_path(path) as partial:
            self.frame.to_parquet(partial, index=False)

    def __repr__(self) -> str:
        kinds, regions = len(set(self.texts("category")) - {""}), len(self.region_columns)
        return f"Items({len(self):,} places, {kinds:,} categories, {regions} region levels)"

    def _repr_html_(self) -> str:
        return table_html(repr(self), pd.DataFrame(self.frame[self.frame.columns.drop("geometry")]).head())

    def to_frame(self) -> geopandas.GeoDataFrame:
        """Return a copy of the table, with its geometry: `items.to_frame().explore()` draws it."""
        return self.frame.copy()

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def region_columns(self) -> list[str]:
        """Names of the region columns, coarse to fine."""
        names = [c for c in self.frame.columns if c.startswith("region_") and c[len("region_") :].isdigit()]
        return sorted(names, key=lambda c: int(c[len("region_") :]))

    @property
    def ids(self) -> npt.NDArray[np.object_]:
        """Item ids as Python strings, shape (N,)."""
        return self.texts("item_id")

    @cached_property
    def lat_deg(self) -> npt.NDArray[np.float64]:
        """Latitudes in degrees, shape (N,)."""
        return np.asarray(self.frame["lat"], dtype=np.float64)

    @cached_property
    def lon_deg(self) -> npt.NDArray[np.float64]:
        """Longitudes in degrees, shape (N,)."""
        return np.asarray(self.frame["lon"], dtype=np.float64)

    @cached_property
    def located(self) -> npt.NDArray[np.bool_]:
        """Whether each item has coordinates, shape (N,)."""
        return np.isfinite(self.lat_deg) & np.isfinite(self.lon_deg)

    def texts(self, column: str) -> npt.NDArray[np.object_]:
        """Return a text column as Python strings, shape (N,); to be read only, since it is kept."""
        if column not in self._texts:
            values = np.array(self.frame[column].astype(object), dtype=np.object_)
            values.flags.writeable = False
            self._texts[column] = values
        return self._texts[column]

    @cached_property
    def _texts(self) -> dict[str, npt.NDArray[np.object_]]:
        """What `texts` has returned, by column."""
        return {}

    def codes(self, column: str) -> tuple[npt.NDArray[np.int64], list[str]]:
        """Number the values of a text column.

        Returns:
            Codes of shape (N,) and the value of each code. Code 0 is the empty text ("unknown"), whether
            it occurs or not; the others follow in alphabetical order, so that the order of rows is irrelevant.
        """
        if column not in self._coded:
            codes, known = pd.factorize(self.texts(column), sort=True)
            unknown = [] if len(known) and known[0] == "" else [""]
            self._coded[column] = codes.astype(np.int64) + len(unknown), [*unknown, *known]
        codes, vocabulary = self._coded[column]
        return codes.copy(), vocabulary.copy()

    @cached_property
    def _coded(self) -> dict[str, tuple[npt.NDArray[np.int64], list[str]]]:
        """What `codes` has returned, by column."""
        return {}

    def rows(self, item_ids: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return the rows of item ids, -1 for ids that are not in the table."""
        return self._numbered.numbers(item_ids)

    @cached_property
    def _numbered(self) -> NumberedIds:
        return NumberedIds(self.ids)

    def take(self, rows: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> Items:
        """Return the items of the given rows, in that order."""
        return Items(self.frame.loc[rows].reset_index(drop=True))
