"""User tables in CSV or Parquet files."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from lgsid.datasets.data_source import DataSource
from lgsid.datasets.local_time import local_hour_weekday
from lgsid.datasets.preparation_log import LogEntry
from lgsid.datasets.raw_data import RawData
from lgsid.datasets.reading import check_columns, read_any, to_numbers, to_times
from lgsid.errors import LgsidError

ITEM_COLUMNS = ("item_id", "lat", "lon")
OPTIONAL_ITEM_COLUMNS = ("name", "category", "category_group", "brand")
LOG_COLUMNS = ("user_id", "item_id", "time")
HAS_OFFSET = re.compile(r"(?:Z|[+-]\d\d:?\d\d)$", re.IGNORECASE)
REGION = re.compile(r"region_\d+")


class TableSource(DataSource):
    """Places and check-ins from CSV files, plain or gzip, from Parquet files, or from data frames.

    The places need an id, a latitude and a longitude; name, category, category group, brand and `region_1`,
    `region_2`, ... (coarse to fine) are optional. The check-ins need a user, a place and a time. Columns with other
    names are mapped; further columns that the mapping names are kept under their new names.

    Args:
        items: File with the places, or a data frame.
        interactions: File with the check-ins, or a data frame.
        item_columns: Mapping of lgsid's column names to those of the file: `{item_id: poi, lat: latitude}`.
        interaction_columns: Mapping of column names for the check-ins: `{user_id: user, time: visited_at}`.
        root: Folder in which relative paths, also those of region polygons and the taxonomy, are looked up. In a config
            file it starts from the folder of that file, elsewhere from the working directory.
        time_zone: IANA time zone of local hours and weekdays, and of times without an offset.
        time_format: A `strptime` format; null for ISO 8601.
        time_unit: "s" or "ms" if times are numbers since 1970-01-01 UTC.
        separator: Separator of CSV files.
        encoding: Encoding of CSV files.
    """

    def __init__(
        self,
        items: str | Path | pd.DataFrame,
        interactions: str | Path | pd.DataFrame,
        item_columns: dict[str, str] | None = None,
        interaction_columns: dict[str, str] | None = None,
        root: str = ".",
        time_zone: str = "UTC",
        time_format: str | None = None,
        time_unit: str | None = None,
        separator: str = ",",
        encoding: str = "utf-8",
    ) -> None:
        if time_unit not in (None, "s", "ms"):
            raise LgsidError(f"TableSource: time_unit {time_unit!r} is unknown; use s or ms, or null for texts")
        self.root = Path(root)
        self.items, self.interactions = items, interactions
        self.item_columns, self.interaction_columns = dict(item_columns or {}), dict(interaction_columns or {})
        self.time_zone, self.time_format, self.time_unit = time_zone, time_format, time_unit
        self.separator, self.encoding = separator, encoding

    def files(self) -> list[Path]:
        """Return the files that `read` reads."""
        return [self.root / t for t in (self.items, self.interactions) if not isinstance(t, pd.DataFrame)]

    def read(self) -> RawData:
        """Read both tables."""
        items_from, log_from = self._path_of(self.items, "items"), self._path_of(self.interactions, "interactions")
        items = self._items(items_from)
        log = self._table(self.interactions, log_from, LOG_COLUMNS, self.interaction_columns)
        time = self._times(log["time"], f"{log_from}: column {self.interaction_columns.get('time', 'time')}")
        hour, weekday = local_hour_weekday(time, self.time_zone)
        interactions = log.assign(
            user_id=_ids(log["user_id"]), item_id=_ids(log["item_id"]), time=time, hour=hour, weekday=weekday
        )
        entries = (
            LogEntry("read", "places", len(items), items_from.name),
            LogEntry("read", "check-ins", len(interactions), log_from.name),
        )
        return RawData(items, interactions, str(items_from), str(log_from), None, entries)

    def _path_of(self, table: str | Path | pd.DataFrame, name: str) -> Path:
        """Return the path of a table; of a data frame, what it is called in messages."""
        return Path(f"data frame of {name}") if isinstance(table, pd.DataFrame) else self.root / table

    def _items(self, path: Path) -> pd.DataFrame:
        table = self._table(self.items, path, ITEM_COLUMNS, self.item_columns)
        for name in ("lat", "lon"):
            table[name] = to_numbers(table[name], f"{path}: column {self.item_columns.get(name, name)}")
        table["item_id"] = _ids(table["item_id"])
        for name in table.columns:
            if name in OPTIONAL_ITEM_COLUMNS or REGION.fullmatch(str(name)):
                table[name] = table[name].astype(object).where(table[name].notna(), "").astype(str).str.strip()
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
            table = read_any(path, list(source.values()), sep=self.separator, encoding=self.encoding)
        kept = {name: table[column] for name, column in source.items()}
        for name in map(str, table.columns):
            ours = name in OPTIONAL_ITEM_COLUMNS or REGION.fullmatch(name) or name == "block"
            if ours and name not in kept and name not in mapping.values():
                kept[name] = table[name]
        return pd.DataFrame(kept)

    def _times(self, values: pd.Series, where: str) -> pd.Series:
        """Parse times; those without an offset are in `time_zone`."""
        times = to_times(values, where, fmt=self.time_format, unit=self.time_unit)
        naive = self._naive(values)
        if not naive.any():
            return times
        wall = times[naive].dt.tz_localize(None)
        dst_first = np.ones(len(wall), dtype=bool)  # the hour that a clock shows twice: the first one
        try:
            local = wall.dt.tz_localize(self.time_zone, ambiguous=dst_first, nonexistent="shift_forward")
        except (KeyError, ValueError):  # an unknown zone: `local_hour_weekday` says so
            return times
        return times.where(~naive, local.dt.tz_convert("UTC").reindex(times.index))

    def _naive(self, values: pd.Series) -> npt.NDArray[np.bool_]:
        """Return a mask of the times without an offset, shape (M,)."""
        if self.time_unit or isinstance(values.dtype, pd.DatetimeTZDtype):
            return np.zeros(len(values), dtype=bool)
        if pd.api.types.is_datetime64_any_dtype(values):
            return np.ones(len(values), dtype=bool)
        if self.time_format:
            return np.full(len(values), "%z" not in self.time_format.lower())
        return ~values.astype(str).str.contains(HAS_OFFSET).to_numpy(dtype=bool)


def _ids(values: pd.Series) -> pd.Series:
    """Convert ids to texts: 12, "12" and 12.0 (an integer column with gaps) are the same; missing ones are empty."""
    if pd.api.types.is_float_dtype(values) and (values.dropna() % 1 == 0).all():
        values = values.astype("Int64")
    return values.astype(object).where(values.notna(), "").astype(str).str.strip()
