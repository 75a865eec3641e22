"""What sources of published places are: Parquet files by a known schema, and check-ins of the user's own, if any."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from lgsid.datasets import DataSource, LogEntry, RawData, TableSource
from lgsid.errors import LgsidError
from lgsid_overture.area import Area
from lgsid_overture.place_files import leaves, opened, place_files, read_batches

ROW = "row"  # column with the number of each row among all files


class ParquetPlaces(DataSource):
    """Places from Parquet files by a published schema, with a table of check-ins at them if there is one.

    Files are read in batches, of each the columns that are needed and the row groups that meet the area; so much
    memory is needed as the places that are kept take. A closed place is dropped unless `keep_closed`; what is dropped
    is counted in the report. The check-ins name places by their ids, everything else as in lgsid's `TableSource`.

    Args:
        items: Parquet file, or a folder with any number of them, also in folders below it.
        interactions: File with the check-ins, or a data frame; null for places alone, with the split `PlacesOnly`.
        area: Sides of the area in degrees, `{south: 40.4, west: -74.3, north: 41, east: -73.6}`; null for everything.
        keep_closed: Whether closed places stay, for check-ins from the time when they were open.
        interaction_columns: Mapping of column names for the check-ins: `{user_id: user, item_id: place, time: at}`.
        root: Folder in which relative paths are looked up. In a config file it starts from the folder of that file,
            elsewhere from the working directory.
        time_zone: IANA time zone of local hours and weekdays, and of times without an offset.
        time_format: A `strptime` format; null for ISO 8601.
        time_unit: "s", "ms", "us" or "ns" if times are numbers since 1970-01-01 UTC.
        separator: Separator of CSV files, one character.
        encoding: Encoding of CSV files.
    """

    schema: ClassVar[str]
    """Name of the schema, for messages."""
    needed: ClassVar[tuple[str, ...]]
    """Dotted names of columns without which a file is of another schema."""
    optional: ClassVar[tuple[str, ...]]
    """Further columns that are read."""
    position: ClassVar[tuple[str, str]]
    """Dotted names of the columns with latitudes and longitudes that have statistics."""

    def __init__(
        self,
        items: str | Path,
        interactions: str | Path | pd.DataFrame | None = None,
        area: dict[str, float] | None = None,
        keep_closed: bool = False,
        interaction_columns: dict[str, str] | None = None,
        root: str = ".",
        time_zone: str = "UTC",
        time_format: str | None = None,
        time_unit: str | None = None,
        separator: str = ",",
        encoding: str = "utf-8",
    ) -> None:
        self.root = Path(root)
        self.items, self.interactions, self.keep_closed = items, interactions, keep_closed
        self.area = None if area is None else Area.of(area, type(self).__name__)
        self.table_options: dict[str, Any] = {
            "interaction_columns": interaction_columns,
            "root": root,
            "time_zone": time_zone,
            "time_format": time_format,
            "time_unit": time_unit,
            "separator": separator,
            "encoding": encoding,
        }
        TableSource(pd.DataFrame(), interactions, **self.table_options)  # which refuses wrong options

    @abstractmethod
    def places(self, table: pa.Table, path: Path) -> pd.DataFrame:
        """Return the columns of `RawData.items` of some rows.

        Args:
            table: Rows with the columns `needed` and, as far as the file has them, `optional`.
            path: Where they come from, for messages.
        """

    @abstractmethod
    def refused(self, table: pa.Table) -> dict[str, npt.NDArray[np.bool_]]:
        """Return reason -> which rows (N,) are dropped for it, whatever the area."""

    def files(self) -> list[Path]:
        """Return the files that `read` reads."""
        log = [] if self.interactions is None or isinstance(self.interactions, pd.DataFrame) else [self.interactions]
        return [*place_files(self.root / self.items), *(self.root / path for path in log)]

    def read(self) -> RawData:
        """Read the places, and the check-ins if there are any.

        Raises:
            LgsidError: if a file is missing, damaged or of another schema, or no place is left.
        """
        path = self.root / self.items
        items, entries = self._places(path)
        raw = TableSource(items.drop(columns=ROW), self.interactions, **self.table_options).read()
        told = [entry for entry in raw.preparation_log if entry.what != "places"]
        return replace(raw, items_from=str(path), item_rows=items[ROW], preparation_log=(*entries, *told))

    def _places(self, path: Path) -> tuple[pd.DataFrame, list[LogEntry]]:
        """Return the places that are kept, with the number of their row, and what is to be told of them."""
        files = place_files(path)
        for file in files:
            self._check_schema(file)
        parts: list[pd.DataFrame] = []
        dropped: Counter[str] = Counter()
        n_rows, outside = 0, "outside the area"
        for batch in read_batches(files, (*self.needed, *self.optional), self.area, self.position):
            n_rows += batch.skipped + batch.table.num_rows
            dropped[outside] += batch.skipped
            if not batch.table.num_rows:
                continue
            kept, row = np.ones(batch.table.num_rows, dtype=bool), batch.first + np.arange(batch.table.num_rows) + 1
            for reason, mask in self.refused(batch.table).items():
                dropped[reason] += int((kept & mask).sum())
                kept &= ~mask
            part = self.places(batch.table.filter(pa.array(kept)), path).assign(**{ROW: row[kept]})
            if self.area is not None:
                inside = self.area.contains(part["lat"].to_numpy(), part["lon"].to_numpy())
                dropped[outside] += int((~inside).sum())
                part = part[inside]
            parts += [part] if len(part) else []
        items = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({ROW: []})
        if items.empty:
            reasons = ", ".join(f"{n:,} {why}" for why, n in dropped.items() if n)
            raise LgsidError(f"{path}: no place is left of {n_rows:,}{f' ({reasons})' if reasons else ''}")
        again = items["item_id"].duplicated().to_numpy() & items["item_id"].notna().to_numpy()
        dropped["id of an earlier row"] += int(again.sum())
        items = items[~again].reset_index(drop=True)
        many = f" ({len(files):,} files)" if len(files) > 1 else ""
        entries = [LogEntry("read", "places", n_rows, f"{path.name}{many}")]
        entries += [LogEntry("dropped", "places", n, why) for why, n in dropped.items() if n]
        return items, entries

    def _check_schema(self, path: Path) -> None:
        """Raise if a file lacks a column that the schema has."""
        with opened(path) as file:
            known = leaves(file)
        missing = [n for n in self.needed if not any(leaf == n or leaf.startswith(f"{n}.") for leaf in known)]
        if missing:
            raise LgsidError(
                f"{path}: no column {missing[0]!r}, so these are no {self.schema}; its columns are "
                f"{', '.join(sorted({leaf.partition('.')[0] for leaf in known})) or 'none'}"
            )


def field(table: pa.Table, name: str) -> pa.ChunkedArray | None:
    """Return the column of a dotted name, missing where a struct above it is; `None` if there is no such column."""
    first, *rest = name.split(".")
    if first not in table.column_names:
        return None
    values = table[first]
    for part in rest:
        if not pa.types.is_struct(values.type) or values.type.get_field_index(part) < 0:
            return None
        values = pc.struct_field(values, part)
    return values


def texts(table: pa.Table, *names: str) -> npt.NDArray[np.object_]:
    """Return texts (N,) of the first of some columns that has one in a row, empty where none has."""
    found = [values for values in (field(table, name) for name in names) if values is not None]
    if not found:
        return np.full(table.num_rows, "", dtype=object)
    filled = pc.fill_null(pc.coalesce(*(blank_as_missing(values) for values in found)), "")
    return np.asarray(filled.to_numpy(), dtype=object)


def blank_as_missing(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return texts with missing ones in place of blanks."""
    plain = pc.cast(values, pa.string())
    return pc.if_else(pc.equal(pc.utf8_trim_whitespace(plain), ""), pa.scalar(None, pa.string()), plain)


def at(values: pa.ChunkedArray | None, position: int) -> pa.ChunkedArray | None:
    """Return the element of a position of each list (N,), from the end if negative, missing where it is too short."""
    if values is None:
        return None
    lists = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64) if len(lengths) else lengths
    wanted = position if position >= 0 else lengths + position
    there = (wanted >= 0) & (wanted < lengths)
    rows = pa.array(np.where(there, offsets + wanted, 0), mask=~there)
    return pa.chunked_array([pc.list_flatten(lists).take(rows)])


def with_coarser(levels: Sequence[npt.NDArray[np.object_]]) -> dict[str, npt.NDArray[np.object_]]:
    """Return region columns, coarse to fine, from names (N,) per level; an empty one takes the name of the coarser."""
    columns: dict[str, npt.NDArray[np.object_]] = {}
    above = np.full(len(levels[0]), "", dtype=object)
    for number, names in enumerate(levels, start=1):
        above = np.where(names == "", above, names)
        columns[f"region_{number}"] = above
    return columns
