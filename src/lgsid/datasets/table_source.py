"""User tables in CSV or Parquet files."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from lgsid.artefacts.columns import check_columns, to_ids, to_numbers, to_stripped_texts
from lgsid.artefacts.coordinates import check_bounds
from lgsid.artefacts.delimited import read_delimited
from lgsid.artefacts.tables import open_parquet, to_frame
from lgsid.artefacts.times import UNITS_US, Times, read_times
from lgsid.datasets.data_source import DataSource
from lgsid.datasets.local_time import local_hour_weekday
from lgsid.datasets.preparation_log import LogEntry
from lgsid.datasets.raw_data import RawData, no_check_ins
from lgsid.errors import LgsidError

ITEM_COLUMNS = ("item_id", "lat", "lon")
OPTIONAL_ITEM_COLUMNS = ("name", "category", "category_group", "brand")
LOG_COLUMNS = ("user_id", "item_id", "time")
REGION = re.compile(r"region_\d+")


class TableSource(DataSource):
    """Places and check-ins from CSV files, plain or gzip, from Parquet files, or from data frames.

    The places need an id, a latitude and a longitude; name, category, category group, brand and `region_1`,
    `region_2`, ... (coarse to fine) are optional. The check-ins need a user, a place and a time. Columns with other
    names are mapped; further columns that the mapping names are kept under their new names.

    Args:
        items: File with the places, or a data frame.
        interactions: File with the check-ins, or a data frame; null for places alone, with the split `PlacesOnly`.
        item_columns: Mapping of lgsid's column names to those of the file: `{item_id: poi, lat: latitude}`.
        interaction_columns: Mapping of column names for the check-ins: `{user_id: user, time: visited_at}`.
        root: Folder in which relative paths, also those of region polygons and the taxonomy, are looked up. In a config
            file it starts from the folder of that file, elsewhere from the working directory.
        time_zone: IANA time zone of local hours and weekdays, and of times without an offset. Of an hour that the clock
            shows twice, times are in the first; times that the clock skips are moved to the end of the gap.
        time_format: A `strptime` format; null for ISO 8601. A literal `Z` or `+0200` in it is the offset of all times.
        time_unit: "s", "ms", "us" or "ns" if times are numbers since 1970-01-01 UTC.
        separator: Separator of CSV files, one character.
        encoding: Encoding of CSV files.
        bounds: Bounds of the places in degrees, `{south: 40.4, west: -74.3, north: 41, east: -73.6}`; a place outside
            is an error. Without them, exchanged latitudes and longitudes are told by the time zone, by values out of
            range and by latitudes where nobody lives only.
    """

    def __init__(
        self,
        items: str | Path | pd.DataFrame,
        interactions: str | Path | pd.DataFrame | None = None,
        item_columns: dict[str, str] | None = None,
        interaction_columns: dict[str, str] | None = None,
        root: str = ".",
        time_zone: str = "UTC",
        time_format: str | None = None,
        time_unit: str | None = None,
        separator: str = ",",
        encoding: str = "utf-8",
        bounds: dict[str, float] | None = None,
    ) -> None:
        if time_unit is not None and time_unit not in UNITS_US:
            known = ", ".join(UNITS_US)
            raise LgsidError(f"TableSource: time_unit {time_unit!r} is unknown; use {known}, or null for texts")
        if time_unit is not None and time_format is not None:
            raise LgsidError("TableSource: give time_unit for numbers or time_format for texts, not both")
        if bounds is not None:
            check_bounds(bounds)
        self.root = Path(root)
        self.items, self.interactions = items, interactions
        self.item_columns, self.interaction_columns = dict(item_columns or {}), dict(interaction_columns or {})
        self.time_zone, self.time_format, self.time_unit = time_zone, time_format, time_unit
        self.separator, self.encoding, self.bounds = separator, encoding, bounds

    def files(self) -> list[Path]:
        """Return the files that `read` reads."""
        return [self.root / t for t in (self.items, self.interactions) if isinstance(t, (str, Path))]

    def read(self) -> RawData:
        """Read both tables."""
        items_from = self._path_of(self.items, "items")
        items = self._items(items_from)
        interactions, log_from, entries = self._log()
        zone = None if self.time_zone == "UTC" else self.time_zone
        return RawData(
            items,
            interactions,
            str(items_from),
            log_from,
            preparation_log=(LogEntry("read", "places", len(items), items_from.name), *entries),
            bounds=self.bounds,
            time_zone=zone,
        )

    def _log(self) -> tuple[pd.DataFrame, str, list[LogEntry]]:
        """Read the check-ins. Returns the table, what it is called in messages, and what is to be told of it."""
        if self.interactions is None:
            return no_check_ins(), "check-ins", []
        log_from = self._path_of(self.interactions, "interactions")
        log = self._table(self.interactions, log_from, LOG_COLUMNS, self.interaction_columns)
        times = self._times(log["time"], self._where(log_from, "time", self.interaction_columns))
        hour, weekday = local_hour_weekday(times.utc, self.time_zone)
        ids = {
            name: to_ids(log[name], self._where(log_from, name, self.interaction_columns))
            for name in ("user_id", "item_id")
        }
        interactions = log.assign(**ids, time=times.utc, hour=hour, weekday=weekday)
        entries = [LogEntry("read", "check-ins", len(interactions), log_from.name)]
        if times.n_twice:
            entries.append(LogEntry("set", "times", times.n_twice, "the clock showed them twice: took the first"))
        if times.n_skipped:
            entries.append(LogEntry("set", "times", times.n_skipped, "the clock skipped them: moved to the next hour"))
        return interactions, str(log_from), entries

    @staticmethod
    def _where(path: Path, name: str, mapping: dict[str, str]) -> str:
        return f"{path}: column {mapping.get(name, name)}"

    def _path_of(self, table: str | Path | pd.DataFrame, name: str) -> Path:
        """Return the path of a table; of a data frame, what it is called in messages."""
        return Path(f"data frame of {name}") if isinstance(table, pd.DataFrame) else self.root / table

    def _items(self, path: Path) -> pd.DataFrame:
        table = self._table(self.items, path, ITEM_COLUMNS, self.item_columns)
        for name in ("lat", "lon"):
            table[name] = to_numbers(table[name], self._where(path, name, self.item_columns))
        table["item_id"] = to_ids(table["item_id"], self._where(path, "item_id", self.item_columns))
        for name in table.columns:
            if name in OPTIONAL_ITEM_COLUMNS or REGION.fullmatch(str(name)):
                table[name] = to_stripped_texts(table[name], self._where(path, name, self.item_columns))
        return table

    def _table(
        self, given: str | Path | pd.DataFrame, path: Path, required: tuple[str, ...], mapping: dict[str, str]
    ) -> pd.DataFrame:
        """Read a table, map its columns, and keep the optional columns that it has under their own names."""
        source = {**{name: name for name in required}, **mapping}
        if isinstance(given, pd.DataFrame):
            check_columns(path, given, list(source.values()))
            table = given.reset_index(drop=True)
        else:
            table = self._read(path, list(source.values()))
        kept = {name: table[column] for name, column in source.items()}
        for name in map(str, table.columns):
            ours = name in OPTIONAL_ITEM_COLUMNS or REGION.fullmatch(name) or name == "block"
            if ours and name not in kept and name not in mapping.values():
                kept[name] = table[name]
        return pd.DataFrame(kept)

    def _read(self, path: Path, columns: list[str]) -> pd.DataFrame:
        """Read a Parquet file (`.parquet`) with its types, or a delimited file as text."""
        if path.suffix in {".parquet", ".pq"}:
            table = to_frame(path, open_parquet(path, columns, "table with the columns of the config"))
            check_columns(path, table, columns)
            return table
        return read_delimited(path, columns, sep=self.separator, encoding=self.encoding)

    def _times(self, values: pd.Series, where: str) -> Times:
        return read_times(values, where, fmt=self.time_format, unit=self.time_unit, zone=self.time_zone)
