"""Coarse categories from a taxonomy file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from lgsid.artefacts.delimited import read_delimited
from lgsid.datasets.normalize_name import normalize_name

WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass
class CategoryGroups:
    """Map fine categories to coarse groups by a taxonomy table.

    The default is Foursquare's vocabulary with its Schema.org types ("Ramen / Noodle House" -> "Restaurant").

    Args:
        path: A CSV file without a header: id, category name, group. A relative path is looked up in the root of the
            source, one with `./` or `../` beside the config file.
    """

    path: str = "taxonomy/mapping.csv"

    def assign(self, categories: pd.Series, root: Path) -> pd.Series:
        """Return the group of each category, empty if it is not in the taxonomy.

        Raises:
            LgsidError: if the file is missing or is not such a table.
        """
        table = read_delimited(root / self.path, ("id", "name", "group"), header=False)
        groups = {
            normalize_name(name): _words(group) for name, group in zip(table["name"], table["group"], strict=True)
        }
        return (
            categories.fillna("").astype(object).map(lambda name: groups.get(normalize_name(name), "")).astype(object)
        )

    def file(self, root: Path) -> Path:
        """Return the file that `assign` reads."""
        return root / self.path


def _words(group: str) -> str:
    """Turn a Schema.org type into words: `schema:BarOrPub` -> "Bar or pub"."""
    words = WORDS.sub(" ", group.removeprefix("schema:"))
    return words[:1] + words[1:].lower()
