"""Foursquare Phoenix."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from lgsid.artefacts.columns import to_numbers
from lgsid.artefacts.delimited import read_delimited
from lgsid.artefacts.times import to_times
from lgsid.datasets.data_source import DataSource, data_root
from lgsid.datasets.local_time import shifted_hour_weekday
from lgsid.datasets.preparation_log import LogEntry
from lgsid.datasets.public_dataset import PublicDataset, PublicFile
from lgsid.datasets.raw_data import RawData
from lgsid.datasets.shared_files import US_COUNTIES

CHECKINS, PLACES = Path("foursquare_phoenix/PHO_checkin.csv.gz"), Path("foursquare_phoenix/PHO_POI.csv.gz")
TIME_FORMAT = "%Y/%m/%d %H:%M"

PUBLIC = PublicDataset(
    name="foursquare_phoenix",
    citation=(
        "D. Yang, D. Zhang, L. Chen, B. Qu, NationTelescope, J. Network and Computer Applications 55:170-180, 2015; D. "
        "Yang, D. Zhang, B. Qu, Participatory Cultural Mapping, ACM TIST 7(3), 2016 (TIST2015)."
    ),
    terms=(
        "Research use with citation; no license is stated. Boundaries: US Census counties (public domain) from "
        "plotly/datasets (MIT)."
    ),
    files=(
        PublicFile(
            str(CHECKINS),
            "ocer007/DPMM",
            "80332af5cc9950a7c5c09c7bbb319d09a8ca7e71",
            "dataset/PHO/PHO_checkin.csv",
            "96c46e2a2991ba9d133a3a643e1badb8a7cdf72ab235b6c262071e9774ab2cde",
        ),
        PublicFile(
            str(PLACES),
            "ocer007/DPMM",
            "80332af5cc9950a7c5c09c7bbb319d09a8ca7e71",
            "dataset/PHO/PHO_POI.csv",
            "866c2daac1aa16d1c2a243b804bc9be49c742877392dd7d945554c45eee7fdf2",
        ),
        US_COUNTIES,
    ),
)


class FoursquarePhoenix(DataSource):
    """Foursquare check-ins in Phoenix, April 2012 to September 2013: tiny, without names.

    Yang, Zhang, Chen, Qu, "NationTelescope", J. Network and Computer Applications 55, 2015 (TIST2015). The level-1
    category is the group.

    Args:
        root: Folder that holds `foursquare_phoenix/`; None for `LGSID_DATA`, else `../shared/data`.
    """

    public_dataset = PUBLIC

    def __init__(self, root: str | None = None) -> None:
        self.root = data_root(root)

    def files(self) -> list[Path]:
        """Return the files that `read` reads."""
        return [self.root / CHECKINS, self.root / PLACES]

    def read(self) -> RawData:
        """Read places and check-ins."""
        path, places_path = self.root / CHECKINS, self.root / PLACES
        log = read_delimited(path, ("user_id", "POI_id", "time_offset", "UTC_time"))
        time = to_times(log["UTC_time"], f"{path}: column UTC_time", fmt=TIME_FORMAT)
        hour, weekday = shifted_hour_weekday(time, log["time_offset"], f"{path}: column time_offset")
        interactions = pd.DataFrame(
            {"user_id": log["user_id"], "item_id": log["POI_id"], "time": time, "hour": hour, "weekday": weekday}
        )
        places = read_delimited(places_path, ("POI_id", "POI_catname", "POI_catname_", "latitude", "longitude"))
        items = pd.DataFrame(
            {
                "item_id": places["POI_id"],
                "name": "",
                "category": places["POI_catname"],
                "category_group": places["POI_catname_"],
                "lat": to_numbers(places["latitude"], f"{places_path}: column latitude"),
                "lon": to_numbers(places["longitude"], f"{places_path}: column longitude"),
            }
        )
        entries = (
            LogEntry("read", "check-ins", len(log), CHECKINS.name),
            LogEntry("read", "places", len(items), PLACES.name),
        )
        return RawData(items, interactions, str(places_path), str(path), None, entries)
