"""The canonical log of check-ins."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lgsid.artefacts.columns import (
    bad_rows,
    check_ids,
    plain_values,
    rows_text,
    to_arrow_texts,
    to_ids,
    to_numbers,
)
from lgsid.artefacts.files import atomic_path
from lgsid.artefacts.tables import open_parquet, table_html, to_frame
from lgsid.artefacts.times import to_times
from lgsid.errors import LgsidError, located

COLUMNS = ("user_id", "item_id", "time", "hour", "weekday", "split")
SPLITS = ("train", "val", "test")
CLOCK = {"hour": (0, 23), "weekday": (0, 6)}


@dataclass(frozen=True, repr=False)
class Interactions:
    """Check-ins in the order of time.

    Args:
        frame: Columns `user_id, item_id` (str), `time` (UTC timestamp), `hour` (local hour, 0..23), `weekday`
            (local, 0 is Monday), `split` ("train", "val", "test"), sorted by time; the order of equal times is
            the order of the source.
    """

    frame: pd.DataFrame

    def __post_init__(self) -> None:
        missing = [name for name in COLUMNS if name not in self.frame.columns]
        if missing:
            raise LgsidError(f"interactions table: missing column {', '.join(missing)}")
        for name in ("user_id", "item_id"):
            check_ids(self.frame[name], "interactions table", name)
        if not pd.api.types.is_datetime64_any_dtype(self.frame["time"]) or self.frame["time"].hasnans:
            raise LgsidError("interactions table: column time: not all values are timestamps")
        for name, (first, last) in CLOCK.items():
            if not pd.api.types.is_integer_dtype(self.frame[name]):
                raise LgsidError(f"interactions table: column {name}: expected integers from {first} to {last}")
            wrong = ~self.frame[name].between(first, last)
            if wrong.any():
                rows = rows_text(bad_rows(wrong))
                raise LgsidError(f"interactions table: column {name}: {rows}: expected integers from {first} to {last}")
        splits = to_arrow_texts(plain_values(self.frame["split"]))
        if splits is None:
            raise LgsidError(f"interactions table: column split holds no texts; known are {', '.join(SPLITS)}")
        unknown = sorted(set(pc.unique(splits).to_pylist()) - set(SPLITS), key=str)
        if unknown:
            raise LgsidError(f"interactions table: unknown split {unknown[0]!r}; known are {', '.join(SPLITS)}")

    @classmethod
    def read(cls, path: str | Path) -> Interactions:
        """Read a Parquet file written by `write`.

        Raises:
            LgsidError: if it is missing, unreadable, lacks a column, is not sorted by time, or a value cannot be one of
                its column.
        """
        frame = to_frame(path, open_parquet(path, COLUMNS, "interactions table"))
        with located(path):
            frame = frame.assign(time=to_times(frame["time"], "column time"))
            if not frame["time"].is_monotonic_increasing:
                raise LgsidError("interactions are not sorted by time")
            return cls(frame)

    def write(self, path: str | Path) -> None:
        """Write as Parquet, atomically."""
        with atomic_path(path) as partial:
            pq.write_table(pa.Table.from_pandas(self.frame, preserve_index=False), partial)

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> Interactions:
        """Build from a plain table: sorts by time, fills in missing hours and weekdays (in UTC), resets the index.

        Raises:
            LgsidError: if a column is missing, or a time cannot be read.
        """
        if "time" not in frame.columns:
            raise LgsidError("interactions table: missing column time")
        time = to_times(frame["time"], "interactions table: column time")
        frame = frame.assign(time=time)
        for column, values in (("hour", time.dt.hour), ("weekday", time.dt.day_of_week)):
            if column not in frame.columns:
                frame = frame.assign(**{column: values})
        for column in ("user_id", "item_id"):
            if column in frame.columns:
                frame[column] = to_ids(frame[column], f"interactions table: column {column}")
        for column in CLOCK:
            numbers = to_numbers(frame[column], f"interactions table: column {column}")
            frame[column] = numbers.astype("int64") if (numbers % 1 == 0).all() else numbers
        frame = frame.astype({"split": "str"} if "split" in frame.columns else {})
        return cls(frame.sort_values("time", kind="stable").reset_index(drop=True))

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the table."""
        return self.frame.copy()

    def __repr__(self) -> str:
        return f"Interactions({len(self):,} check-ins of {self.frame['user_id'].nunique():,} users)"

    def _repr_html_(self) -> str:
        return table_html(repr(self), self.frame.head())

    def __len__(self) -> int:
        return len(self.frame)

    def of_split(self, *names: str) -> pd.DataFrame:
        """Return the rows of the named splits."""
        return self.frame[self.frame["split"].isin(names)]
