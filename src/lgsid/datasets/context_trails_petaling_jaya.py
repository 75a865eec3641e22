"""Context Trails, Petaling Jaya."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from pathlib import Path

import pandas as pd

from lgsid.artefacts.columns import to_numbers
from lgsid.artefacts.delimited import read_delimited
from lgsid.artefacts.times import to_times
from lgsid.datasets.data_source import DataSource, data_root
from lgsid.datasets.local_time import local_hour_weekday
from lgsid.datasets.preparation_log import LogEntry
from lgsid.datasets.public_dataset import PublicDataset, PublicFile
from lgsid.datasets.raw_data import RawData
from lgsid.datasets.shared_files import MALAYSIA, MALAYSIA_TERMS

FOLDER = Path("context_trails_petaling_jaya")
CHECKINS = FOLDER / "Q864965_PetalingJaya_trails_weather.csv.gz"
PLACES = FOLDER / "POIS_INFO_Q864965_PetalingJaya_lvl1_categories.csv.gz"
# The file joins category names by "-"; these names hold one themselves.
BETWEEN_NAMES = re.compile(r"(?<!Tex)(?<!Shabu)(?<!Drive)(?<!Pop)(?<!Non)(?<!Duty)(?<!Gluten)-|-(?=Shabu-Shabu)")
MISSING = "-1"

PUBLIC = PublicDataset(
    name="context_trails_petaling_jaya",
    citation=(
        "P. Sanchez, A. Bellogin, J. L. Jorro-Aragoneses, Context Trails: A dataset to study contextual and tour "
        "recommendation, 2025; D. Monti et al., Semantic Trails of City Explorations, arXiv:1812.04367."
    ),
    terms=(
        "Research use with citation of both papers; the repository states no license; attributes are from the "
        f"Foursquare API. {MALAYSIA_TERMS}"
    ),
    files=(
        PublicFile(
            str(CHECKINS),
            "pablosanchezp/ContextTrailsData",
            "57a34ca9096aa3e8401a6acf428f97db239952fa",
            "data/PetalingJaya/Q864965_PetalingJaya_trails_weather.zip",
            "519f22f5afceef5154a300c97e5be02d3e29a79c4e928bde30dc23839ecf5e41",
        ),
        PublicFile(
            str(PLACES),
            "pablosanchezp/ContextTrailsData",
            "57a34ca9096aa3e8401a6acf428f97db239952fa",
            "data/PetalingJaya/POIS_INFO_Q864965_PetalingJaya_lvl1_categories.csv",
            "ed77027a041c72ab1ea50e6a6a7eb5032b1bd41dd6c84436e5c158373e415730",
        ),
        *MALAYSIA,
    ),
)


class ContextTrailsPetalingJaya(DataSource):
    """Foursquare check-ins around Kuala Lumpur, October 2017 to October 2018, with rich attributes and no names.

    Sanchez, Bellogin, Jorro-Aragoneses, "Context Trails", 2025; Monti et al., arXiv:1812.04367. A place with several
    categories has the first as its category, and the level-1 category of that one as its group; `categories` keeps
    all. 7.6 % of the places have no coordinates: set `missing_coordinates: drop`.

    Args:
        root: Folder that holds `context_trails_petaling_jaya/`; None for `LGSID_DATA`, else `../shared/data`.
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
        log = read_delimited(path, ("user_id", "venue_id", "timestamp"), sep=";")
        time = to_times(log["timestamp"], f"{path}: column timestamp")
        hour, weekday = local_hour_weekday(time, "Asia/Kuala_Lumpur")
        interactions = pd.DataFrame(
            {"user_id": log["user_id"], "item_id": log["venue_id"], "time": time, "hour": hour, "weekday": weekday}
        )
        places = read_delimited(places_path, ("fsq_id", "latitude", "longitude", "category", "price", "category_lvlFs"))
        labels = [[] if text == MISSING else BETWEEN_NAMES.split(text) for text in places["category"]]
        groups = [[g for g in text.split(", ") if g and g != MISSING] for text in places["category_lvlFs"]]
        price = to_numbers(places["price"], f"{places_path}: column price")
        items = pd.DataFrame(
            {
                "item_id": places["fsq_id"],
                "name": "",
                "category": [names[0] if names else "" for names in labels],
                "category_group": main_groups(labels, groups),
                "categories": [", ".join(names) for names in labels],
                "price": price.where(price > 0),
                "lat": to_numbers(places["latitude"], f"{places_path}: column latitude"),
                "lon": to_numbers(places["longitude"], f"{places_path}: column longitude"),
            }
        )
        several = sum(len(names) > 1 for names in labels)
        entries = (
            LogEntry("read", "check-ins", len(log), CHECKINS.name),
            LogEntry("read", "places", len(items), PLACES.name),
            LogEntry("set", "category", several, "places had several: took the first"),
        )
        return RawData(items, interactions, str(places_path), str(path), None, entries)


def main_groups(labels: list[list[str]], groups: list[list[str]]) -> list[str]:
    """Choose the group of each place's first category, where a place has several groups.

    The file lists both, but not which belongs to which; places with one of each tell.
    """
    votes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for names, of_place in zip(labels, groups, strict=True):
        if len(names) == 1 and len(of_place) == 1:
            votes[names[0]][of_place[0]] += 1
    chosen = []
    for names, of_place in zip(labels, groups, strict=True):
        count = votes[names[0]] if names else Counter()
        chosen.append(max(of_place, key=lambda g: count[g]) if of_place else "")
    return chosen
