"""A source of two files of JSON lines."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from lgsid.datasets import DataSource, LogEntry, RawData
from lgsid.errors import LgsidError

EXAMPLE = Path(__file__).parent
COLUMNS = {"places.jsonl": ("item_id", "lat", "lon"), "checkins.jsonl": ("user_id", "item_id", "time")}


class PartName(DataSource):
    """Read `places.jsonl` and `checkins.jsonl`, an object in each line, times in ISO 8601 with their offset from UTC.

    Args:
        root: Folder of both files; the example that comes with this package if not given.
    """

    def __init__(self, root: str | None = None) -> None:
        self.root = EXAMPLE if root is None else Path(root)

    def files(self) -> list[Path]:
        """Return both files, so that a pipeline notices that one has changed."""
        return [self.root / name for name in COLUMNS]

    def read(self) -> RawData:
        """Read both tables: ids as texts, positions in degrees, times in UTC, hours and weekdays in local time."""
        items, log = (self.table(path) for path in self.files())
        local = [pd.Timestamp(text) for text in log["time"]]
        if any(time.tzinfo is None for time in local):
            raise LgsidError(f"{self.root / 'checkins.jsonl'}: a time without an offset; write 2026-05-01T12:00+02:00")
        return RawData(
            items.astype({"item_id": str, "lat": "float64", "lon": "float64"}),
            pd.DataFrame(
                {
                    "user_id": log["user_id"].astype(str),
                    "item_id": log["item_id"].astype(str),
                    "time": pd.to_datetime(log["time"], utc=True),
                    "hour": pd.Series([time.hour for time in local], dtype="int64"),
                    "weekday": pd.Series([time.dayofweek for time in local], dtype="int64"),
                }
            ),
            items_from=str(self.root / "places.jsonl"),
            interactions_from=str(self.root / "checkins.jsonl"),
            preparation_log=(
                LogEntry("read", "places", len(items), "places.jsonl"),
                LogEntry("read", "check-ins", len(log), "checkins.jsonl"),
            ),
        )

    def table(self, path: Path) -> pd.DataFrame:
        """Read one file.

        Raises:
            LgsidError: if it is missing, is not JSON, or lacks a column.
        """
        try:
            table = pd.read_json(path, lines=True, dtype=False, convert_dates=False)
        except (OSError, ValueError) as error:
            raise LgsidError(f"{path}: cannot be read ({str(error).splitlines()[0]})") from error
        missing = [name for name in COLUMNS[path.name] if name not in table.columns]
        if missing:
            raise LgsidError(f"{path}: no line has {missing[0]!r}; it needs {', '.join(COLUMNS[path.name])}")
        return table
