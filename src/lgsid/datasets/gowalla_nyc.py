"""Gowalla New York with venue names."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd

from lgsid.datasets.data_source import DataSource, data_root
from lgsid.datasets.local_time import local_hour_weekday
from lgsid.datasets.note import Note
from lgsid.datasets.places import most_frequent
from lgsid.datasets.raw_data import RawData
from lgsid.datasets.reading import read_table, to_numbers, to_times

EVENTS, VENUES = Path("gowalla_nyc/gowalla_events.csv.gz"), Path("gowalla_nyc/gowalla_venues.csv.gz")
TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


class GowallaNYC(DataSource):
    """Gowalla check-ins in New York City, April 2009 to October 2010, with the names of 80 % of the places.

    Cho, Myers, Leskovec, "Friendship and Mobility", KDD 2011. There are no categories. Places are those of the log;
    their coordinates are the most frequent pair there.

    Args:
        root: Folder that holds `gowalla_nyc/`; None for `LGSID_DATA`, else `../shared/data`.
    """

    def __init__(self, root: str | None = None) -> None:
        self.root = data_root(root)

    def files(self) -> list[Path]:
        """Return the files that `read` reads."""
        return [self.root / EVENTS, self.root / VENUES]

    def read(self) -> RawData:
        """Read the events and the names."""
        path = self.root / EVENTS
        log = read_table(path, ("user", "time", "lat", "lon", "venue"), sep="\t", header=False)
        for name in ("lat", "lon"):
            log[name] = to_numbers(log[name], f"{path}: column {name}")
        time = to_times(log["time"], f"{path}: column time", fmt=TIME_FORMAT)
        hour, weekday = local_hour_weekday(time, "America/New_York")
        interactions = pd.DataFrame(
            {"user_id": log["user"], "item_id": log["venue"], "time": time, "hour": hour, "weekday": weekday}
        )
        items, rows, notes = most_frequent(log.assign(category=""), item="venue", category="category")
        venues = read_table(
            self.root / VENUES, ("venue", "name", "lat", "lon"), sep="\t", header=False, quoting=csv.QUOTE_NONE
        )
        names = venues.drop_duplicates("venue").set_index("venue")["name"].str.strip()
        items["name"] = items["item_id"].map(names).fillna("")
        named = int(np.count_nonzero(items["name"] != ""))
        notes = [
            Note("read", "check-ins", len(log), EVENTS.name),
            Note("read", "venues", len(venues), VENUES.name),
            *notes,
            Note("set", "names", named, f"of {len(items):,} places in the log, by venue id"),
        ]
        return RawData(items, interactions, str(path), str(path), rows, tuple(notes))
