"""Made-up places, vectors and check-ins of any number, in time and memory that grow with it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from lgsid.artefacts import Dataset, Embeddings, Interactions, Items
from lgsid.datasets import DataSource, RawData

WIDTH = 384
DISTRICTS = 20
PER_NEIGHBORHOOD, PER_BRAND, PER_USER, CHECKINS = 250, 20, 20, 10
"""Places in a neighborhood and of a brand, check-ins of a user and at a place."""
CHUNK = 50_000


def neighborhoods(n: int) -> npt.NDArray[np.int64]:
    """Return the neighborhood of each of n places, (n,)."""
    return np.random.default_rng(1).integers(max(n // PER_NEIGHBORHOOD, DISTRICTS), size=n)


def place_table(n: int) -> pd.DataFrame:
    """Return n places of a city that gets wider with their number: names, categories, brands, two levels of regions."""
    rng, area = np.random.default_rng(0), neighborhoods(n)
    side = 0.02 * np.sqrt(area.max() + 1)
    at = rng.uniform(-side, side, (area.max() + 1, 2))[area] + rng.normal(0, 0.008, (n, 2))
    branch = rng.random(n) < 0.3
    brand = rng.integers(max(n // PER_BRAND, 2), size=n)
    category = np.where(branch, brand % 300, rng.integers(300, size=n))
    return pd.DataFrame(
        {
            "item_id": [f"p{i:07d}" for i in range(n)],
            "name": np.where(branch, [f"chain {b}" for b in brand], [f"place {i}" for i in range(n)]),
            "category": [f"category {c}" for c in category],
            "category_group": [f"group {c % 12}" for c in category],
            "brand": np.where(branch, [f"chain {b}" for b in brand], ""),
            "lat": 40.0 + at[:, 0],
            "lon": -70.0 + at[:, 1],
            "region_1": [f"district {a % DISTRICTS}" for a in area],
            "region_2": [f"neighborhood {a}" for a in area],
        }
    )


def places(n: int) -> Items:
    """Return n places."""
    return Items.from_frame(place_table(n))


def vectors(n: int) -> Embeddings:
    """Return n vectors of width 384: a part that the category shares, one that the neighborhood does, and noise."""
    rng, area, table = np.random.default_rng(2), neighborhoods(n), place_table(n)
    category = pd.factorize(table["category"])[0]
    shared = rng.standard_normal((300, WIDTH), dtype=np.float32)
    local = rng.standard_normal((area.max() + 1, WIDTH), dtype=np.float32)
    found = np.empty((n, WIDTH), dtype=np.float32)
    for start in range(0, n, CHUNK):
        part = slice(start, min(start + CHUNK, n))
        found[part] = rng.standard_normal((part.stop - start, WIDTH), dtype=np.float32)
        found[part] += 1.5 * shared[category[part]] + local[area[part]]
    return Embeddings(table["item_id"].to_numpy(dtype=object), found)


def check_ins(n: int) -> pd.DataFrame:
    """Return ten check-ins for each of n places, places by popularity, in the order of time; 20 for each user."""
    rng, m = np.random.default_rng(3), CHECKINS * n
    second = np.sort(rng.integers(365 * 86400, size=m))
    users = np.array([f"u{u:07d}" for u in range(max(m // PER_USER, 1))], dtype=object)
    items = np.array([f"p{i:07d}" for i in range(n)], dtype=object)
    place = (n * rng.random(m) ** 2).astype(np.int64)
    return pd.DataFrame(
        {
            "user_id": users[rng.integers(len(users), size=m)],
            "item_id": items[place],
            "time": (pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(second, unit="s")).as_unit("us"),
            "hour": second // 3600 % 24,
            "weekday": second // 86400 % 7,
        }
    )


def dataset(n: int) -> Dataset:
    """Return n places and their check-ins, nine tenths of them for training."""
    log = check_ins(n)
    part = np.arange(len(log)) / len(log)
    log["split"] = np.where(part < 0.9, "train", np.where(part < 0.95, "val", "test"))
    return Dataset(places(n), Interactions(log), {"name": "made up", "regions": ["district", "neighborhood"]})


class MadeUp(DataSource):
    """The same as a source, which `DatasetBuilder` checks and prepares.

    Args:
        n: Number of places.
    """

    def __init__(self, n: int) -> None:
        self.n = n

    def read(self) -> RawData:
        """Return both tables."""
        return RawData(place_table(self.n).drop(columns="brand"), check_ins(self.n))
