"""Items as a tokenizer is trained on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import DataLoader, RandomSampler, SequentialSampler

from lgsid.artefacts.dataset import Dataset
from lgsid.artefacts.embeddings import Embeddings
from lgsid.artefacts.vocabularies import Vocabularies
from lgsid.module import LgsidDataModule
from lgsid.typing import DataShape, ItemBatch


class ItemData(LgsidDataModule):
    """Load the items of a dataset, with their attributes and vectors.

    After `setup`: `dataset`, `vocabularies`, `vectors` (N, D) or None, and `items_by_id`, all items in the order of
    their ids. Batches are drawn from that order, so that a permuted items table trains the same tokenizer.

    Args:
        dataset: Folder of a prepared dataset, or the dataset itself.
        embeddings: Vectors of its items, a Parquet file or the object; none for tokenizers that need none.
        batch_size: Number of items in a training batch.
        seed: Random seed for the order of training batches.
    """

    serves = ItemBatch

    def __init__(
        self,
        dataset: str | Path | Dataset,
        embeddings: str | Path | Embeddings | None = None,
        batch_size: int = 512,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.source = dataset
        self.embeddings = embeddings
        self.batch_size = batch_size
        self.seed = seed
        self.dataset: Dataset | None = None
        self.vectors: npt.NDArray[np.float32] | None = None

    def setup(self, stage: str | None = None) -> None:
        """Read the files, if any, once."""
        if self.dataset is not None:
            return
        dataset = Dataset.of(self.source)
        items = dataset.items
        if self.embeddings is not None:
            self.vectors = Embeddings.of(self.embeddings).for_items(items)
        self.vocabularies = Vocabularies.of(items)
        order = np.argsort(items.ids.astype(str), kind="stable")
        self.items_by_id = self.vocabularies.batch(items, self.vectors).take(torch.from_numpy(order))
        self.dataset = dataset

    @property
    def shape(self) -> DataShape:
        """Sizes of the data."""
        return self.vocabularies.shape(len(self.items_by_id), self.items_by_id.embedding.shape[1])

    def train_dataloader(self) -> DataLoader[ItemBatch]:
        """Return shuffled batches."""
        generator = torch.Generator().manual_seed(self.seed)
        return self._loader(RandomSampler(range(len(self.items_by_id)), generator=generator), self.batch_size)

    def val_dataloader(self) -> DataLoader[ItemBatch]:
        """Return all items as one batch: collisions are a matter of the whole table."""
        return self._loader(SequentialSampler(range(len(self.items_by_id))), len(self.items_by_id))

    def test_dataloader(self) -> DataLoader[ItemBatch]:
        """Return all items as one batch."""
        return self.val_dataloader()

    def predict_dataloader(self) -> DataLoader[ItemBatch]:
        """Return all items as one batch."""
        return self.val_dataloader()

    def _loader(self, sampler: RandomSampler | SequentialSampler, batch_size: int) -> DataLoader[ItemBatch]:
        """Return batches cut from the tensors at once, not collated item by item."""
        rows = range(len(self.items_by_id))
        return DataLoader(rows, batch_size=batch_size, sampler=sampler, collate_fn=self._cut)  # type: ignore[arg-type]

    def _cut(self, rows: list[int]) -> ItemBatch:
        return self.items_by_id.take(torch.tensor(rows))
