"""Foursquare New York, 10-core, with venue names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from lgsid.artefacts.columns import to_integers, to_numbers
from lgsid.artefacts.delimited import read_delimited
from lgsid.artefacts.times import to_times
from lgsid.datasets.category_groups import CategoryGroups
from lgsid.datasets.data_source import DataSource, data_root
from lgsid.datasets.normalize_name import normalize_name
from lgsid.datasets.places_from_log import places_from_log
from lgsid.datasets.preparation_log import LogEntry
from lgsid.datasets.public_dataset import PublicDataset, PublicFile
from lgsid.datasets.raw_data import RawData
from lgsid.datasets.shared_files import FOURSQUARE_TAXONOMY, NEW_YORK, NEW_YORK_TERMS, TAXONOMY_TERMS
from lgsid.errors import LgsidError

CHECKINS, VENUES = Path("foursquare_nyc/checkins.csv.gz"), Path("foursquare_nyc_venues/fs_ny_top_users_193.csv.gz")
DECIMALS = 6  # of the coordinates on which names are joined

PUBLIC = PublicDataset(
    name="foursquare_nyc",
    citation=(
        "D. Yang, D. Zhang, V. W. Zheng, Z. Yu, Modeling User Activity Preference by Leveraging User Spatial Temporal "
        "Characteristics in LBSNs, IEEE Trans. SMC: Systems 45(1):129-142, 2015; venue names: MAT group (UFSC)."
    ),
    terms=(
        "Research use with citation; no license is stated for check-ins and venue names; the 10-core copy is MIT. "
        f"{NEW_YORK_TERMS} {TAXONOMY_TERMS}"
    ),
    files=(
        PublicFile(
            str(CHECKINS),
            "Laswell1551/less-is-more-nextpoi",
            "5102ec34f5600d4f10d436f8bffe5bf3f34a116c",
            "data/processed/nyc/checkins.csv.gz",
            "d654e4d3bc809da9dcc1c8d029084c3e1f0b47ffe2ae3b09b3470850bae65d22",
        ),
        PublicFile(
            "foursquare_nyc/stats.json",
            "Laswell1551/less-is-more-nextpoi",
            "5102ec34f5600d4f10d436f8bffe5bf3f34a116c",
            "data/processed/nyc/stats.json",
            "329a1d670d172b8aef461f08750c61c4d93bef953f90a7dc85742d240a509c8f",
        ),
        PublicFile(
            str(VENUES),
            "mat-analysis/datasets",
            "f50572553419e667e0bd89173a3e9cbe5b32a99d",
            "mat/FoursquareNYC/original.zip",
            "bc799fd337ec5a1985061644972d7d23d2e851dc28215ceccbd3ac25299331f4",
        ),
        FOURSQUARE_TAXONOMY,
        *NEW_YORK,
    ),
)


class FoursquareNYC(DataSource):
    """Foursquare check-ins in New York, April 2012 to February 2013 (TSMC2014, 10-core).

    Yang, Zhang, Zheng, Yu, IEEE Trans. SMC: Systems 45(1), 2015, with the time blocks of `less-is-more-nextpoi`, which
    `BlockSplit` reads. A place has its most frequent pair of coordinates and its most frequent category. Names are from
    the venue table of the MAT group, joined on coordinates.

    Args:
        root: Folder that holds `foursquare_nyc/` and `foursquare_nyc_venues/`; None for `LGSID_DATA`, else
            `../shared/data`.
        names: Whether to join venue names.
    """

    public_dataset = PUBLIC

    def __init__(self, root: str | None = None, names: bool = True) -> None:
        self.root, self.names = data_root(root), names

    def files(self) -> list[Path]:
        """Return the files that `read` reads."""
        names = [self.root / VENUES, CategoryGroups().file(self.root)] if self.names else []
        return [self.root / CHECKINS, *names]

    def read(self) -> RawData:
        """Read check-ins, and the names of their places."""
        path = self.root / CHECKINS
        columns = ("user_idx", "poi_idx", "cat", "lat", "lon", "unix_s", "hour", "dow", "block")
        table = read_delimited(path, columns)
        for name, convert in (("lat", to_numbers), ("lon", to_numbers), ("hour", to_integers), ("dow", to_integers)):
            table[name] = convert(table[name], f"{path}: column {name}")
        interactions = pd.DataFrame(
            {
                "user_id": table["user_idx"],
                "item_id": table["poi_idx"],
                "time": to_times(table["unix_s"], f"{path}: column unix_s", unit="s"),
                "hour": table["hour"],
                "weekday": table["dow"],
                "block": table["block"],
            }
        )
        items, rows, entries = places_from_log(table, item="poi_idx", category="cat")
        entries = [LogEntry("read", "check-ins", len(table), CHECKINS.name), *entries]
        if self.names:
            items["name"] = self._join_names(table, items)
            entries.append(
                LogEntry("set", "names", int((items["name"] != "").sum()), f"by coordinates from {VENUES.name}")
            )
        return RawData(items, interactions, str(path), str(path), rows, tuple(entries))

    def _join_names(self, checkins: pd.DataFrame, items: pd.DataFrame) -> pd.Series:
        """Find the name of each place: of those at any of its coordinates, the one whose type fits best."""
        venues = _read_venues(self.root / VENUES)
        pairs = pd.DataFrame(
            {"item_id": checkins["poi_idx"], "y": checkins["lat"].round(DECIMALS), "x": checkins["lon"].round(DECIMALS)}
        ).drop_duplicates()
        found = pairs.merge(venues, on=["y", "x"]).groupby(["item_id", "poi", "type"], as_index=False)["n"].sum()
        found = found.merge(items[["item_id", "category"]], on="item_id")
        types, categories = found["type"].map(normalize_name), found["category"].map(normalize_name)
        groups = CategoryGroups()
        same_group = groups.assign(found["type"], self.root) == groups.assign(found["category"], self.root)
        found["fit"] = np.where(types == categories, 2, np.where(same_group, 1, 0))
        best = found.sort_values(["fit", "n", "poi"], ascending=[False, False, True]).drop_duplicates("item_id")
        return items["item_id"].map(best.set_index("item_id")["poi"]).fillna("")


def _read_venues(path: Path) -> pd.DataFrame:
    """Count each name and type at each pair of coordinates."""
    table = read_delimited(path, ("lat_lon", "poi", "type"), sep=";")
    parts = table["lat_lon"].str.split(" ", n=1, expand=True)
    if parts.shape[1] != 2:
        raise LgsidError(f"{path}: column lat_lon: expected latitude and longitude separated by a space")
    table["y"] = to_numbers(parts[0], f"{path}: column lat_lon").round(DECIMALS)
    table["x"] = to_numbers(parts[1], f"{path}: column lat_lon").round(DECIMALS)
    table["poi"] = table["poi"].str.strip()
    return (
        table[table["poi"] != ""]
        .groupby(["y", "x", "poi", "type"], as_index=False)
        .size()
        .rename(columns={"size": "n"})
    )
