"""A prepared dataset: the folder that every later stage reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lgsid.artefacts.files import file_hash, read_json, text_hash, write_json
from lgsid.artefacts.interactions import Interactions
from lgsid.artefacts.items import Items
from lgsid.artefacts.names import DATASET_FILE, INTERACTIONS_FILE, ITEMS_FILE
from lgsid.errors import LgsidError


@dataclass(frozen=True)
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
        dataset = cls(items, interactions, read_json(folder / DATASET_FILE))
        if (dataset.item_rows < 0).any():
            row = int(np.flatnonzero(dataset.item_rows < 0)[0])
            raise LgsidError(f"{folder / INTERACTIONS_FILE}: row {row} names an item that is not in {ITEMS_FILE}")
        return dataset

    def write(self, folder: str | Path) -> None:
        """Write the three files; the report, written last, carries the hash of the other two."""
        folder = Path(folder)
        self.items.write(folder / ITEMS_FILE)
        self.interactions.write(folder / INTERACTIONS_FILE)
        data_hash = text_hash([file_hash(folder / ITEMS_FILE), file_hash(folder / INTERACTIONS_FILE)])
        write_json(folder / DATASET_FILE, {**self.report, "data_hash": data_hash})

    @property
    def data_hash(self) -> str:
        """Hash of the two tables, empty for a dataset that was never written."""
        return str(self.report.get("data_hash", ""))

    @property
    def region_names(self) -> list[str]:
        """What the region levels are called, coarse to fine ("borough", "neighbourhood")."""
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
        users = self.interactions.frame["user_id"].astype(object).to_numpy(dtype=object)
        return np.searchsorted(self.user_ids.astype(str), users.astype(str)).astype(np.int64)
