"""The raw layout of the TSMC2014 check-ins."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd

from lgsid.artefacts.columns import to_numbers
from lgsid.artefacts.delimited import read_delimited
from lgsid.artefacts.times import to_times
from lgsid.datasets.data_source import DataSource, data_root
from lgsid.datasets.local_time import shifted_hour_weekday
from lgsid.datasets.places_from_log import places_from_log
from lgsid.datasets.preparation_log import LogEntry
from lgsid.datasets.raw_data import RawData

COLUMNS = ("user", "venue", "category_id", "category", "lat", "lon", "offset_min", "time")
TIME_FORMAT = "%a %b %d %H:%M:%S %z %Y"


class TSMC2014(DataSource):
    """A Foursquare log in the layout that its authors publish: New York, Tokyo, or any other cut.

    Tab-separated, latin-1, without a header: user id, venue id, category id, category name, latitude, longitude, time
    zone offset in minutes, UTC time (`Tue Apr 03 18:00:09 +0000 2012`). Yang, Zhang, Zheng, Yu, IEEE Trans. SMC:
    Systems 45(1), 2015. A place has its most frequent pair of coordinates and its most frequent category.

    Args:
        path: The file, plain or gzip. A relative path is looked up in `root`, one with `./` or `../` beside the config
            file.
        root: Folder of the data; None for `LGSID_DATA`, else `../shared/data`.
        encoding: Text encoding.
    """

    def __init__(
        self, path: str = "dataset_TSMC2014_NYC.txt", root: str | None = None, encoding: str = "latin-1"
    ) -> None:
        self.root, self.path, self.encoding = data_root(root), path, encoding

    def files(self) -> list[Path]:
        """Return the file that `read` reads."""
        return [self.root / self.path]

    def read(self) -> RawData:
        """Read the log and make the table of its places."""
        path = self.root / self.path
        log = read_delimited(path, COLUMNS, sep="\t", header=False, encoding=self.encoding, quoting=csv.QUOTE_NONE)
        for name in ("lat", "lon"):
            log[name] = to_numbers(log[name], f"{path}: column {name}")
        time = to_times(log["time"], f"{path}: column time", fmt=TIME_FORMAT)
        hour, weekday = shifted_hour_weekday(time, log["offset_min"], f"{path}: column offset_min")
        interactions = pd.DataFrame(
            {"user_id": log["user"], "item_id": log["venue"], "time": time, "hour": hour, "weekday": weekday}
        )
        items, rows, entries = places_from_log(log, item="venue", category="category")
        read = LogEntry("read", "check-ins", len(log), path.name)
        return RawData(items, interactions, str(path), str(path), rows, (read, *entries))
