"""Tiny datasets for tests."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from lgsid.artefacts import Dataset, SemanticIDs
from lgsid.datasets.brands import Brands
from lgsid.datasets.dataset_builder import DatasetBuilder
from lgsid.datasets.splits import LeaveOneOutSplit, Split, TemporalSplit
from lgsid.datasets.synthetic_city import SyntheticCity


def toy_city(
    n_items: int = 60,
    n_users: int = 12,
    n_checkins: int = 400,
    seed: int = 0,
    split: Split | None = None,
    leave_one_out: bool = False,
    folder: str | Path | None = None,
) -> Dataset:
    """Make a tiny synthetic city in a fraction of a second.

    It has two region levels, thirty categories, a few chains, and check-ins of sixty days.

    Args:
        n_items: Number of places, at least 40.
        n_users: Number of users.
        n_checkins: Total number of check-ins.
        seed: Random seed of the city.
        split: Split; by time, 80/10/10, if not given.
        leave_one_out: Whether to split off each user's last check-in instead.
        folder: Folder to write the dataset to as well, as `Dataset.read` and datamodules expect it.
    """
    split = split or (LeaveOneOutSplit() if leave_one_out else TemporalSplit())
    builder = DatasetBuilder("toy_city", toy_source(n_items, n_users, n_checkins, seed), split, brands=Brands())
    dataset = builder.build()
    if folder is None:
        return dataset
    dataset.write(folder)
    return Dataset.read(folder)


def toy_source(n_items: int = 60, n_users: int = 12, n_checkins: int = 400, seed: int = 0) -> SyntheticCity:
    """Return the city behind `toy_city`, which knows the true probabilities."""
    return SyntheticCity(
        n_places=n_items,
        n_users=n_users,
        n_checkins=n_checkins,
        n_days=60,
        n_districts=3,
        n_neighbourhoods=8,
        radius_km=3.0,
        chain_share=0.4,
        seed=seed,
    )


def toy_tables(folder: str | Path, n_items: int = 60, n_users: int = 12, n_checkins: int = 400, seed: int = 0) -> Path:
    """Write the toy city as a user would bring it: `places.csv`, `checkins.csv` and `areas.geojson`.

    Returns:
        The folder.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    raw = toy_source(n_items, n_users, n_checkins, seed).read()
    places = raw.items.rename(columns={"item_id": "poi", "lat": "latitude", "lon": "longitude", "category": "kind"})
    places[["poi", "name", "kind", "latitude", "longitude"]].to_csv(folder / "places.csv", index=False)
    log = raw.interactions.rename(columns={"user_id": "user", "item_id": "poi", "time": "visited_at"})
    log["visited_at"] = log["visited_at"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    log[["user", "poi", "visited_at"]].to_csv(folder / "checkins.csv", index=False)
    raw.polygons["neighbourhood"].to_file(folder / "areas.geojson", driver="GeoJSON")
    return folder


@cache
def same_city(n_items: int, n_users: int, n_checkins: int) -> Dataset:
    """Return a toy city that is made once for each process, not to be changed."""
    return toy_city(n_items, n_users, n_checkins)


@cache
def toy_dataset() -> tempfile.TemporaryDirectory[str]:
    """Write a toy city to a temporary folder, once for each process."""
    folder = tempfile.TemporaryDirectory()
    toy_city(folder=folder.name)
    return folder


def toy_dataset_folder() -> str:
    """Return the folder of a toy city, to be read only."""
    return toy_dataset().name


@cache
def toy_sids() -> SemanticIDs:
    """Return unique semantic IDs of three levels for the places of `toy_dataset_folder`."""
    items = Dataset.read(toy_dataset_folder()).items
    row = np.arange(len(items))
    return SemanticIDs(items.ids, np.stack([row % 5, row // 5 % 4, row // 20], axis=1), (5, 4, 1 + len(items) // 20))
