"""Build a dataset from a source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Group

from lgsid.artefacts import Dataset, Interactions, Items
from lgsid.artefacts.names import check_name
from lgsid.datasets.brands import Brands
from lgsid.datasets.category_groups import CategoryGroups
from lgsid.datasets.checks import OnBad, check_raw, drop_repeated
from lgsid.datasets.data_source import DataSource
from lgsid.datasets.describe import describe_dataset
from lgsid.datasets.k_core import k_core as find_k_core
from lgsid.datasets.polygon_layer import PolygonLayer
from lgsid.datasets.preparation_log import LogEntry
from lgsid.datasets.raw_data import RawData
from lgsid.datasets.region_join import RegionJoin
from lgsid.datasets.splits import NOWHERE, Split
from lgsid.errors import LgsidError

LOG_COLUMNS = ["user_id", "item_id", "time", "hour", "weekday", "split"]


@dataclass(frozen=True)
class PreparedTables:
    """What is left of a source before the split.

    Args:
        items: Places with all attributes; region columns `region_1 ..` where there are any.
        interactions: Check-ins in the order of time, with the columns that the source added.
        regions: What was found at each region level, coarse to fine.
        preparation_log: What was read, dropped and set.
    """

    items: pd.DataFrame
    interactions: pd.DataFrame
    regions: list[dict[str, Any]]
    preparation_log: tuple[LogEntry, ...]


class DatasetBuilder:
    """Build a dataset from a source: read, validate, filter, add attributes and regions, split.

    Nothing leaks from the test split: regions, category groups and brands are computed from the attributes of places
    only, and the k-core filter, which uses the whole log, only selects users and places.

    Args:
        name: Name of the dataset.
        source: Source of the places and the check-ins.
        split: Strategy for the split into train, validation and test.
        regions: Region levels, coarse to fine; null for those of the source.
        category_groups: Taxonomy for sources without category groups; null for none.
        brands: Detection of chains for sources without brands; null for none.
        k_core: Minimum number of check-ins per user and per place (iterative k-core); 0 keeps all rows, including
            places without check-ins.
        missing_coordinates: How to handle places whose coordinates are NaN or a sentinel such as (0, 0): "error" or
            "drop".
        unknown_items: How to handle check-ins at places that are not in the items table: "error" or "drop".
        repeated: How to handle check-ins with the user, place and time of an earlier one: "drop" or "keep".
    """

    def __init__(
        self,
        name: str,
        source: DataSource,
        split: Split,
        regions: list[RegionJoin] | None = None,
        category_groups: CategoryGroups | None = None,
        brands: Brands | None = None,
        k_core: int = 0,
        missing_coordinates: OnBad = "error",
        unknown_items: OnBad = "error",
        repeated: str = "drop",
    ) -> None:
        check_name(name, "name")
        if k_core < 0:
            raise LgsidError(f"k_core {k_core} is negative; 0 keeps everything")
        if repeated not in {"drop", "keep"}:
            raise LgsidError(f"repeated {repeated!r} is unknown; use drop or keep")
        self.name, self.source, self.split = name, source, split
        self.regions, self.category_groups, self.brands = regions, category_groups, brands
        self.k_core, self.repeated = k_core, repeated
        self.missing_coordinates, self.unknown_items = missing_coordinates, unknown_items

    def files(self) -> list[Path]:
        """Return all files that `build` reads; a pipeline runs the stage again when one of them changes."""
        root = self.source.root
        layers = [layer.file(root) for join in self.regions or [] for layer in join.layers]
        taxonomy = [self.category_groups.file(root)] if self.category_groups else []
        return [*self.source.files(), *[f for f in layers if f is not None], *taxonomy]

    def tables(self) -> PreparedTables:
        """Read, validate and filter both tables, add attributes and regions: all but the split.

        Raises:
            LgsidError: if an input is missing or wrong.
        """
        self._check_public_files()
        raw = check_raw(
            self.source.read(), self.missing_coordinates, self.unknown_items, places_only=not self.split.parts
        )
        entries = list(raw.preparation_log)
        items = self._add_attributes(raw.items, entries)
        log = raw.interactions.sort_values("time", kind="stable").reset_index(drop=True)
        if self.repeated == "drop":
            log, dropped = drop_repeated(log)
            entries += dropped
        if self.k_core > 1:
            items, log = self._filter(items, log, entries)
        items, regions = self._add_regions(items, raw, entries)
        return PreparedTables(items, log, regions, tuple(entries))

    def build(self) -> Dataset:
        """Build the dataset.

        Raises:
            LgsidError: if an input is missing or wrong, or a split is empty.
        """
        tables = self.tables()
        log, entries = tables.interactions, list(tables.preparation_log)
        log = log.assign(split=self.split.assign(log))
        kept = (log["split"] != NOWHERE).to_numpy()
        if not kept.all():
            entries.append(
                LogEntry("dropped", "check-ins", int((~kept).sum()), f"hidden by {type(self.split).__name__}")
            )
            log = log[kept].reset_index(drop=True)
        self._check_splits(log)
        interactions = Interactions(_plain_log(log))
        report = {
            "name": self.name,
            "source": type(self.source).__name__,
            "split": self.split.task,
            "split_class": type(self.split).__name__,
            "k_core": self.k_core,
            "regions": [r["name"] for r in tables.regions],
            "region_join": tables.regions,
            "notes": [entry.to_dict() for entry in entries],
        }
        return Dataset(Items.from_frame(tables.items), interactions, report)

    def _check_public_files(self) -> None:
        """Raise if a file of a public dataset is missing, and say how to get it."""
        public = self.source.public_dataset
        missing = [file for file in self.files() if not file.is_file()] if public else []
        if public and missing:
            raise LgsidError(
                f"{missing[0]}: no such file; download it with `lgsid data download {public.name}`, or give the folder "
                "of the data as root, or set LGSID_DATA"
            )

    def describe(self) -> Group:
        """Build the dataset and return a description for the terminal: what was read, dropped and why."""
        return describe_dataset(self.build())

    def _add_attributes(self, items: pd.DataFrame, entries: list[LogEntry]) -> pd.DataFrame:
        """Fill in names, categories, groups and brands, before any filter, so that all places count."""
        items = items.assign(**{c: "" for c in ("name", "category") if c not in items.columns})
        if self.category_groups and "category_group" not in items.columns:
            items["category_group"] = self.category_groups.assign(items["category"], self.source.root).to_numpy()
            unknown = int(((items["category"] != "") & (items["category_group"] == "")).sum())
            if unknown:
                entries.append(LogEntry("set", "category groups", unknown, "left empty: category not in the taxonomy"))
        if self.brands and "brand" not in items.columns:
            names, categories = _texts(items, "name"), _texts(items, "category")
            lat, lon = items["lat"].to_numpy(np.float64), items["lon"].to_numpy(np.float64)
            items["brand"] = self.brands.assign(names, categories, lat, lon)
        return items.assign(**{c: "" for c in ("category_group", "brand") if c not in items.columns})

    def _filter(
        self, items: pd.DataFrame, log: pd.DataFrame, entries: list[LogEntry]
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Apply the k-core filter."""
        keep = find_k_core(log, self.k_core, self.k_core)
        if not keep.any():
            raise LgsidError(f"{self.name}: no user and place have {self.k_core} check-ins each; lower k_core")
        kept = log[keep].reset_index(drop=True)
        in_core = items["item_id"].isin(kept["item_id"]).to_numpy()
        why = f"not in the {self.k_core}-core"
        entries.append(LogEntry("dropped", "check-ins", int((~keep).sum()), why))
        entries.append(LogEntry("dropped", "places", int((~in_core).sum()), why))
        entries.append(LogEntry("dropped", "users", log["user_id"].nunique() - kept["user_id"].nunique(), why))
        return items[in_core].reset_index(drop=True), kept

    def _add_regions(
        self, items: pd.DataFrame, raw: RawData, entries: list[LogEntry]
    ) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
        """Join the region levels, coarse to fine; return the items and a report per level."""
        given = sorted(c for c in items.columns if c.startswith("region_"))
        joins = self.regions
        if joins is None:
            joins = [RegionJoin(name, [PolygonLayer.from_frame(frame)]) for name, frame in raw.polygons.items()]
        if given and not joins:
            return items, [{"name": c, "regions": int(items[c].nunique())} for c in given]
        reports: list[dict[str, Any]] = []
        parents = None
        items = items.drop(columns=given)
        for level, join in enumerate(joins, start=1):
            match = join.match(items["lat"].to_numpy(), items["lon"].to_numpy(), self.source.root, parents)
            names = match.names
            if join.fallback and parents is not None:
                names = np.where(names == "", parents, names)
            items = items.assign(**{f"region_{level}": names})
            reports.append(
                {
                    "name": join.name,
                    "regions": len(set(names) - {""}),
                    "within": match.n_within,
                    "nearest": match.n_nearest,
                    "unmatched": match.n_unmatched,
                    "named_after_parent": int(((match.names == "") & (names != "")).sum()),
                    "farthest_m": round(match.farthest_m, 1),
                }
            )
            parents = names
            self._check_match(join, items, match.n_unmatched)
        return items, reports

    def _check_match(self, join: RegionJoin, items: pd.DataFrame, n_unmatched: int) -> None:
        """Raise if no place is in a region: a wrong file, or swapped coordinates."""
        if n_unmatched < len(items):
            return
        lat, lon = items["lat"].to_numpy(), items["lon"].to_numpy()
        within = np.abs(lon) <= 90
        swapped = join.match(lon[within], lat[within], self.source.root) if within.any() else None
        if swapped is not None and swapped.n_unmatched == 0:
            raise LgsidError(
                f"{self.name}: no place lies in a {join.name}, but all would with latitude and longitude swapped; "
                "exchange the two columns"
            )
        raise LgsidError(
            f"{self.name}: none of {len(items)} places lies in or near a polygon of region level {join.name!r}; "
            "check the file and its coordinate reference system"
        )

    def _check_splits(self, log: pd.DataFrame) -> None:
        counts: Mapping[Any, int] = log["split"].value_counts().to_dict()
        for split in self.split.parts:
            if not counts.get(split):
                raise LgsidError(
                    f"{self.name}: {type(self.split).__name__} leaves the {split} split empty "
                    f"({len(log)} check-ins, {log['user_id'].nunique()} users); change its settings or bring more data"
                )


def _texts(items: pd.DataFrame, column: str) -> np.ndarray[Any, np.dtype[np.object_]]:
    return items[column].fillna("").astype(object).to_numpy(dtype=object)


def _plain_log(log: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of `Interactions` with their types."""
    texts = {c: log[c].astype(str) for c in ("user_id", "item_id", "split")}
    numbers = {c: log[c].astype(np.int64) for c in ("hour", "weekday")}
    return log.assign(**texts, **numbers)[LOG_COLUMNS].reset_index(drop=True)
