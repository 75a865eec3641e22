"""Several datasets as one source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from lgsid.artefacts.names import check_name
from lgsid.datasets.builder_from_config import builder_from_config
from lgsid.datasets.data_source import DataSource
from lgsid.datasets.dataset_builder import DatasetBuilder
from lgsid.datasets.raw_data import RawData
from lgsid.errors import LgsidError, located

SOURCE = "source"
"""Column of both tables that says which dataset a row comes from."""


class JoinedSource(DataSource):
    """Several datasets side by side, such as two cities: one table of places, one log.

    Each is prepared as its own config says, with its own regions, category groups, chains and filters, all but the
    split. Then ids of users and places get the name of their dataset in front (`phoenix:12`), since equal ids of two
    datasets are different people and places, and both tables a column `source` with that name; a split such as
    `HeldOutSourceSplit` reads it. Categories, groups and chains of equal names are the same. A dataset with fewer
    region levels than another repeats its finest one, and a region name that several have gets the dataset behind it.

    Args:
        datasets: Name -> dataset config: a file beside the config that joins them, or its content; in Python also a
            `DatasetBuilder`. Their splits do not count.
        root: Folder in which relative paths of the configs start. In a config file it starts from the folder of that
            file, elsewhere from the working directory.
    """

    def __init__(self, datasets: dict[str, Any], root: str = ".") -> None:
        self.root = Path(root)
        self.datasets = dict(datasets)
        if len(self.datasets) < 2:
            raise LgsidError(f"JoinedSource: {len(self.datasets)} datasets given; it takes two or more to join")
        for name, content in self.datasets.items():
            check_name(name, "JoinedSource: datasets")
            if not isinstance(content, (Mapping, DatasetBuilder)):
                raise LgsidError(
                    f"JoinedSource: datasets: {name}: {content!r} is no dataset config; name a YAML file that lies "
                    "beside the config that joins them"
                )

    @cached_property
    def builders(self) -> dict[str, DatasetBuilder]:
        """The builder of each dataset, made when it is first asked for.

        Raises:
            LgsidError: if a config is wrong; names the dataset.
        """
        return {name: self._builder(name, content) for name, content in self.datasets.items()}

    def _builder(self, name: str, content: Mapping[str, Any] | DatasetBuilder) -> DatasetBuilder:
        if isinstance(content, DatasetBuilder):
            return content
        with located(f"JoinedSource: datasets: {name}"):
            return builder_from_config(content, folder=self.root)

    def files(self) -> list[Path]:
        """Return the files that the datasets read."""
        return [file for builder in self.builders.values() for file in builder.files()]

    def read(self) -> RawData:
        """Prepare each dataset and put their tables side by side."""
        tables = {name: builder.tables() for name, builder in self.builders.items()}
        entries = tuple(
            replace(entry, why=f"{name}: {entry.why}")
            for name, table in tables.items()
            for entry in table.preparation_log
        )
        items = with_regions({name: own_ids(table.items, name, "item_id") for name, table in tables.items()})
        logs = [own_ids(table.interactions, name, "user_id", "item_id") for name, table in tables.items()]
        joined = ", ".join(tables)
        return RawData(
            pd.concat(items, ignore_index=True),
            pd.concat(logs, ignore_index=True),
            f"places of {joined}",
            f"check-ins of {joined}",
            preparation_log=entries,
        )


def own_ids(table: pd.DataFrame, name: str, *columns: str) -> pd.DataFrame:
    """Return a table whose ids have the name of their dataset in front, with the column `source`."""
    return table.assign(**{column: name + ":" + table[column].astype(str) for column in columns}, **{SOURCE: name})


def with_regions(items: Mapping[str, pd.DataFrame]) -> list[pd.DataFrame]:
    """Return tables of places that all have the region levels of the deepest, with names that are told apart."""
    levels = sorted({c for table in items.values() for c in table.columns if c.startswith("region_")}, key=level_of)
    plain = []
    for table in items.values():
        own = sorted((c for c in table.columns if c.startswith("region_")), key=level_of)
        finest = table[own[-1]] if own else ""
        plain.append(table.assign(**{column: finest for column in levels if column not in own}))
    found = Counter(name for table in plain for name in region_names(table, levels))
    shared = {name for name, n in found.items() if n > 1}
    return [
        table.assign(**{c: table[c].where(~table[c].isin(shared), table[c].astype(str) + f" ({name})") for c in levels})
        for name, table in zip(items, plain, strict=True)
    ]


def level_of(column: str) -> int:
    """Return the level of a region column, 1 for `region_1`."""
    return int(column.removeprefix("region_"))


def region_names(table: pd.DataFrame, levels: list[str]) -> set[str]:
    """Return all names of regions of a table of places, whatever their level."""
    return {str(name) for column in levels for name in table[column].unique()} - {""}
