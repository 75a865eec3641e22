"""The values behind the codes of item attributes, so that new items get the same codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from lgsid.artefacts.items import Items
from lgsid.typing import DataShape, ItemBatch

ATTRIBUTES = ("category", "category_group", "brand")


@dataclass(frozen=True)
class Vocabularies:
    """The values of each attribute in the order of their codes; code 0 is the empty text, and any unknown value.

    Args:
        values: Values by column name: `region_1 .. region_R`, `category`, `category_group`, `brand`.
    """

    values: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, items: Items) -> Vocabularies:
        """Collect the values that occur in `items`."""
        return cls({column: tuple(items.codes(column)[1]) for column in (*items.region_columns, *ATTRIBUTES)})

    @classmethod
    def from_dict(cls, values: Mapping[str, Sequence[str]]) -> Vocabularies:
        """Rebuild from the plain dictionary kept in a checkpoint."""
        return cls({column: tuple(known) for column, known in values.items()})

    def to_dict(self) -> dict[str, list[str]]:
        """Return a plain dictionary for a checkpoint."""
        return {column: list(known) for column, known in self.values.items()}

    @property
    def region_columns(self) -> list[str]:
        """Names of the region columns, coarse to fine."""
        return [column for column in self.values if column not in ATTRIBUTES]

    def codes(self, items: Items, column: str) -> npt.NDArray[np.int64]:
        """Return the code of each item's value, `(N,)`; 0 for a value that is not known, or a missing column."""
        if column not in items.frame.columns:
            return np.zeros(len(items), dtype=np.int64)
        found = np.asarray(pd.Index(self.values[column], dtype=object).get_indexer(pd.Index(items.texts(column))))
        return np.maximum(found, 0).astype(np.int64)

    def batch(self, items: Items, vectors: npt.NDArray[np.float32] | None = None) -> ItemBatch:
        """Return all of `items` as one batch, with `vectors: (N, D)`, or vectors of width 0 if there are none.

        The batch shares the memory of the vectors, where these are float32.
        """
        regions = [self.codes(items, column) for column in self.region_columns]
        empty = np.zeros((len(items), 0), dtype=np.float32)
        return ItemBatch(
            item=torch.arange(len(items)),
            item_id=items.ids,
            lat_deg=torch.from_numpy(items.lat_deg.copy()),
            lon_deg=torch.from_numpy(items.lon_deg.copy()),
            region=torch.from_numpy(np.stack(regions, axis=1) if regions else empty.astype(np.int64)),
            category=torch.from_numpy(self.codes(items, "category")),
            category_group=torch.from_numpy(self.codes(items, "category_group")),
            brand=torch.from_numpy(self.codes(items, "brand")),
            embedding=torch.from_numpy(np.require(empty if vectors is None else vectors, np.float32, ["C", "W"])),
        )

    def shape(self, n_items: int, embedding_dim: int = 0) -> DataShape:
        """Return the sizes of the attributes with those given."""
        return DataShape(
            n_items=n_items,
            n_regions=tuple(len(self.values[column]) for column in self.region_columns),
            n_categories=len(self.values["category"]),
            n_category_groups=len(self.values["category_group"]),
            n_brands=len(self.values["brand"]),
            embedding_dim=embedding_dim,
        )
