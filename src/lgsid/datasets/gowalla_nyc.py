"""Gowalla New York with venue names."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd

from lgsid.artefacts.columns import to_numbers
from lgsid.artefacts.delimited import read_delimited
from lgsid.artefacts.times import to_times
from lgsid.datasets.data_source import DataSource, data_root
from lgsid.datasets.local_time import local_hour_weekday
from lgsid.datasets.places_from_log import places_from_log
from lgsid.datasets.preparation_log import LogEntry
from lgsid.datasets.public_dataset import PublicDataset, PublicFile
from lgsid.datasets.raw_data import RawData
from lgsid.datasets.shared_files import NEW_YORK, NEW_YORK_TERMS

EVENTS, VENUES = Path("gowalla_nyc/gowalla_events.csv.gz"), Path("gowalla_nyc/gowalla_venues.csv.gz")
TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"

PUBLIC = PublicDataset(
    name="gowalla_nyc",
    citation=(
        "E. Cho, S. A. Myers, J. Leskovec, Friendship and Mobility: User Movement in Location-Based Social Networks, "
        "KDD 2011 (SNAP loc-gowalla); venue names: the locrec project (FCT grant PTDC/EIA-EIA/109840/2009)."
    ),
    terms=(
        f"Research use with citation; SNAP states no license; the repository of the copy is GPL-3.0. {NEW_YORK_TERMS}"
    ),
    files=(
        PublicFile(
            str(EVENTS),
            "rohitpandey13/academy",
            "7e7919ac6ad5b4c299c7368c05953964820acb8f",
            "tutorials/geo-located-data/jupyter/notebooks/data/gowalla_events.csv.gz",
            "46827820c05bae38bc8674fbeb291104e8cd2f32179afc53b4552c0e388acb9e",
        ),
        PublicFile(
            str(VENUES),
            "rohitpandey13/academy",
            "7e7919ac6ad5b4c299c7368c05953964820acb8f",
            "tutorials/geo-located-data/jupyter/notebooks/data/gowalla_venues.csv",
            "931389394a436b7e4c5194eab675282b469e5dc038e9663302d831f2f3c62f8e",
        ),
        *NEW_YORK,
    ),
)


class GowallaNYC(DataSource):
    """Gowalla check-ins in New York City, April 2009 to October 2010, with the names of 80 % of the places.

    Cho, Myers, Leskovec, "Friendship and Mobility", KDD 2011. There are no categories. Places are those of the log;
    their coordinates are the most frequent pair there.

    Args:
        root: Folder that holds `gowalla_nyc/`; None for `LGSID_DATA`, else `../shared/data`.
    """

    public_dataset = PUBLIC

    def __init__(self, root: str | None = None) -> None:
        self.root = data_root(root)

    def files(self) -> list[Path]:
        """Return the files that `read` reads."""
        return [self.root / EVENTS, self.root / VENUES]

    def read(self) -> RawData:
        """Read the events and the names."""
        path = self.root / EVENTS
        log = read_delimited(path, ("user", "time", "lat", "lon", "venue"), sep="\t", header=False)
        for name in ("lat", "lon"):
            log[name] = to_numbers(log[name], f"{path}: column {name}")
        time = to_times(log["time"], f"{path}: column time", fmt=TIME_FORMAT)
        hour, weekday = local_hour_weekday(time, "America/New_York")
        interactions = pd.DataFrame(
            {"user_id": log["user"], "item_id": log["venue"], "time": time, "hour": hour, "weekday": weekday}
        )
        items, rows, entries = places_from_log(log.assign(category=""), item="venue", category="category")
        venues = read_delimited(
            self.root / VENUES, ("venue", "name", "lat", "lon"), sep="\t", header=False, quoting=csv.QUOTE_NONE
        )
        names = venues.drop_duplicates("venue").set_index("venue")["name"].str.strip()
        items["name"] = items["item_id"].map(names).fillna("")
        named = int(np.count_nonzero(items["name"] != ""))
        entries = [
            LogEntry("read", "check-ins", len(log), EVENTS.name),
            LogEntry("read", "venues", len(venues), VENUES.name),
            *entries,
            LogEntry("set", "names", named, f"of {len(items):,} places in the log, by venue id"),
        ]
        return RawData(items, interactions, str(path), str(path), rows, tuple(entries))
