"""Which data a recommender was trained on, to refuse others: its rows would mean other places there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from typing_extensions import Self

from lgsid.artefacts.dataset import Dataset
from lgsid.artefacts.hashes import text_hash
from lgsid.artefacts.items import Items
from lgsid.errors import LgsidError


@dataclass(frozen=True)
class TrainingData:
    """Identity of a dataset.

    Args:
        data_hash: Hash of its tables, empty for a dataset that was never written.
        items_hash: Hash of the item ids and positions in the order of rows.
        n_items: Number of items N.
    """

    data_hash: str
    items_hash: str
    n_items: int

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        """Return the identity of a dataset."""
        return cls(dataset.data_hash, items_hash(dataset.items), len(dataset.items))

    @classmethod
    def from_dict(cls, values: Mapping[str, str | int]) -> Self:
        """Rebuild from the plain dictionary kept in a checkpoint."""
        return cls(str(values["data_hash"]), str(values["items_hash"]), int(values["n_items"]))

    def check_items(self, items: Items) -> None:
        """Compare the items.

        Raises:
            LgsidError: if other ids, positions or another order of rows differ from those of the training.
        """
        if items_hash(items) != self.items_hash:
            raise LgsidError(
                f"the model was trained on {self.n_items} places that are not those of this dataset"
                f" ({len(items)} places): ids, positions and order must be the same"
            )

    def check(self, dataset: Dataset) -> None:
        """Compare the whole dataset by its hash, and the items where one of the two was never written.

        Raises:
            LgsidError: if they differ.
        """
        self.check_items(dataset.items)
        if self.data_hash and dataset.data_hash and self.data_hash != dataset.data_hash:
            raise LgsidError(
                f"the model was trained on the dataset with hash {self.data_hash[:12]}, this one has"
                f" {dataset.data_hash[:12]}: same places, other tables; give that of the training, or train again"
            )


def items_hash(items: Items) -> str:
    """Return the hash of the ids and positions of items in the order of rows."""
    positions = (items.lat_deg.astype("<f8").tobytes(), items.lon_deg.astype("<f8").tobytes())
    return text_hash([*positions, *(str(item) for item in items.ids)])
