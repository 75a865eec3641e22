"""A prepared dataset: the folder that every later stage reads."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lgsid.artefacts.columns import bad_rows, rows_text
from lgsid.artefacts.dataset_hash import dataset_hash
from lgsid.artefacts.files import read_json, write_json
from lgsid.artefacts.interactions import SPLITS, Interactions
from lgsid.artefacts.items import Items
from lgsid.artefacts.names import DATASET_FILE, INTERACTIONS_FILE, ITEMS_FILE
from lgsid.artefacts.numbered_ids import NumberedIds
from lgsid.artefacts.tables import table_html
from lgsid.errors import LgsidError, located


@dataclass(frozen=True, repr=False)
class Dataset:
    """Items, interactions over them, and the report of how they were read.

    Args:
        items: The places.
        interactions: Check-ins at those places only, sorted by time.
        report: What was read, dropped and why; name, split, region level names (`regions`), hash.
    """

    items: Items
    interactions: Interactions
    report: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not len(self.items):
            raise LgsidError("items table: no places in it")
        for name, values in (("lat", self.items.lat_deg), ("lon", self.items.lon_deg)):
            if not np.isfinite(values).all():
                rows = rows_text(bad_rows(~np.isfinite(values)))
                raise LgsidError(f"items table: column {name}: {rows}: missing; every place of a dataset needs it")

    @classmethod
    def read(cls, folder: str | Path) -> Dataset:
        """Read a folder written by `write`.

        Raises:
            LgsidError: if a file is missing or broken, or an interaction names an unknown item.
        """
        folder = Path(folder)
        if not folder.is_dir():
            raise LgsidError(f"{folder}: no such dataset folder; make one with `lgsid data prepare CONFIG`")
        items = Items.read(folder / ITEMS_FILE)
        interactions = Interactions.read(folder / INTERACTIONS_FILE)
        report = read_json(folder / DATASET_FILE)
        regions = report.get("regions", []) if isinstance(report, dict) else None
        if not isinstance(regions, list) or not all(isinstance(name, str) for name in regions):
            raise LgsidError(f"{folder / DATASET_FILE}: not the report of a dataset; prepare the dataset again")
        with located(folder):
            dataset = cls(items, interactions, report)
        if (dataset.item_rows < 0).any():
            rows = rows_text(bad_rows(dataset.item_rows < 0))
            raise LgsidError(f"{folder / INTERACTIONS_FILE}: {rows}: the item is not in {ITEMS_FILE}")
        return dataset

    @classmethod
    def of(cls, given: str | Path | Dataset) -> Dataset:
        """Return a dataset as it is, or read it from its folder, see `read`."""
        return given if isinstance(given, Dataset) else cls.read(given)

    @classmethod
    def from_frames(
        cls,
        items: pd.DataFrame,
        interactions: pd.DataFrame,
        name: str = "dataset",
        report: Mapping[str, Any] | None = None,
    ) -> Dataset:
        """Build from two tables in memory that are prepared and split already.

        Tables that are not go through `DatasetBuilder(name, TableSource(items, interactions), TemporalSplit())`, which
        checks them, joins regions, recognizes chains and splits.

        Args:
            items: Columns `item_id, lat, lon`; those of `Items` that are texts may be missing, and are then empty.
            interactions: Columns `user_id, item_id, time` and `split` ("train", "val", "test"), in any order; `hour`
                and `weekday` are those of `time` in UTC if they are missing.
            name: Name of the dataset.
            report: Further entries of the report.

        Raises:
            LgsidError: if a column is missing, or an interaction names an unknown item.
        """
        places, log = Items.from_frame(items), Interactions.from_frame(interactions)
        dataset = cls(places, log, {"name": name, **(report or {})})
        if (dataset.item_rows < 0).any():
            unknown = log.frame["item_id"].iloc[int(np.flatnonzero(dataset.item_rows < 0)[0])]
            raise LgsidError(f"interactions: item {unknown!r} is not among the items")
        return dataset

    def __str__(self) -> str:
        return f"dataset {self.name!r}"

    def __repr__(self) -> str:
        counts = f"{len(self.items):,} items, {len(self.user_ids):,} users, {len(self.interactions):,} interactions"
        return f"Dataset({self.name!r}, {counts})"

    def _repr_html_(self) -> str:
        split = self.interactions.frame["split"].value_counts()
        rows = [
            ("items", f"{len(self.items):,}"),
            ("users", f"{len(self.user_ids):,}"),
            *((f"interactions, {name}", f"{int(split.get(name, 0)):,}") for name in SPLITS),
            ("region levels", ", ".join(self.region_names) or "none"),
        ]
        return table_html(str(self), pd.DataFrame(rows, columns=["", "count"]))

    def take(self, rows: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> Dataset:
        """Return the dataset of the items of the given rows, in that order, and of the check-ins at them."""
        items = self.items.take(rows)
        there = items.rows(self.items.ids)[self.item_rows] >= 0
        report = {key: value for key, value in self.report.items() if key != "data_hash"}
        return Dataset(items, Interactions(self.interactions.frame[there].reset_index(drop=True)), report)

    def write(self, folder: str | Path) -> None:
        """Write the three files; the report, written last, carries the hash of the other two."""
        folder = Path(folder)
        self.items.write(folder / ITEMS_FILE)
        self.interactions.write(folder / INTERACTIONS_FILE)
        write_json(folder / DATASET_FILE, {**self.report, "data_hash": dataset_hash(folder)})

    @property
    def data_hash(self) -> str:
        """Hash of the two tables as `write` writes them."""
        return str(self.report.get("data_hash") or self._hash_of_tables)

    @cached_property
    def _hash_of_tables(self) -> str:
        with tempfile.TemporaryDirectory(prefix="lgsid-") as folder:
            self.items.write(Path(folder) / ITEMS_FILE)
            self.interactions.write(Path(folder) / INTERACTIONS_FILE)
            return dataset_hash(Path(folder))

    @property
    def name(self) -> str:
        """Name of the dataset, from its report."""
        return str(self.report.get("name") or "unnamed")

    @property
    def region_names(self) -> list[str]:
        """What the region levels are called, coarse to fine ("borough", "neighborhood")."""
        return list(self.report.get("regions") or self.items.region_columns)

    @cached_property
    def item_rows(self) -> npt.NDArray[np.int64]:
        """Row in the items table of each interaction, shape (M,)."""
        return self.items.rows(self.interactions.frame["item_id"].astype(object).to_numpy(dtype=object))

    @cached_property
    def user_ids(self) -> npt.NDArray[np.object_]:
        """All user ids, sorted; a user's number is the position here. Shape (U,)."""
        return np.array(sorted(self.interactions.frame["user_id"].astype(object).unique()), dtype=object)

    @cached_property
    def user_rows(self) -> npt.NDArray[np.int64]:
        """Number of the user of each interaction, shape (M,)."""
        return self.user_numbers(self.interactions.frame["user_id"].astype(object).to_numpy(dtype=object))

    def user_numbers(self, user_ids: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return the numbers of user ids, -1 for ids that nobody has, shape (Q,)."""
        return self._numbered_users.numbers(user_ids)

    @cached_property
    def _numbered_users(self) -> NumberedIds:
        return NumberedIds(self.user_ids)
