"""The canonical log of check-ins."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from lgsid.artefacts.files import atomic_path
from lgsid.artefacts.tables import open_parquet, table_html
from lgsid.errors import LgsidError

COLUMNS = ("user_id", "item_id", "time", "hour", "weekday", "split")
SPLITS = ("train", "val", "test")


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
        unknown = sorted(set(self.frame["split"].unique()) - set(SPLITS))
        if unknown:
            raise LgsidError(f"interactions table: unknown split {unknown[0]!r}; known are {', '.join(SPLITS)}")

    @classmethod
    def read(cls, path: str | Path) -> Interactions:
        """Read a Parquet file written by `write`.

        Raises:
            LgsidError: if it is missing, unreadable, or lacks a column.
        """
        frame = open_parquet(path, COLUMNS, "interactions table").to_pandas()
        if not frame["time"].is_monotonic_increasing:
            raise LgsidError(f"{path}: interactions are not sorted by time")
        return cls(frame.reset_index(drop=True))

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
        try:
            time = pd.to_datetime(frame["time"], utc=True, format="ISO8601")
        except (ValueError, TypeError) as error:
            raise LgsidError(f"interactions table: column time: {str(error).splitlines()[0]}") from error
        frame = frame.assign(time=time)
        for column, values in (("hour", time.dt.hour), ("weekday", time.dt.day_of_week)):
            if column not in frame.columns:
                frame = frame.assign(**{column: values})
        types = {"user_id": "str", "item_id": "str", "split": "str", "hour": "int64", "weekday": "int64"}
        frame = frame.astype({column: kind for column, kind in types.items() if column in frame.columns})
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
