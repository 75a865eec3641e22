"""Items as a tokenizer is trained on them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import DataLoader, RandomSampler

from lgsid.artefacts.dataset import Dataset
from lgsid.artefacts.embeddings import Embeddings
from lgsid.artefacts.vocabularies import Vocabularies
from lgsid.module import LgsidDataModule
from lgsid.typing import DataShape, ItemBatch


class ItemData(LgsidDataModule):
    """Load the items of a dataset, with their attributes and vectors.

    After `setup`: `dataset`, `vocabularies`, and `items_by_id`, all items in the order of their ids, with the one
    copy of their vectors. Batches are drawn from that order, so that a permuted items table trains the same tokenizer.

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

    def setup(self, stage: str | None = None) -> None:
        """Read the files, if any, once."""
        if self.dataset is not None:
            return
        dataset = Dataset.of(self.source)
        order = np.argsort(dataset.items.ids.astype(str), kind="stable")
        items = dataset.items.take(order)
        vectors = None if self.embeddings is None else Embeddings.of(self.embeddings).for_items(items)
        self.vocabularies = Vocabularies.of(items)
        self.items_by_id = replace(self.vocabularies.batch(items, vectors), item=torch.from_numpy(order))
        self.dataset = dataset

    @property
    def vectors(self) -> npt.NDArray[np.float32] | None:
        """Vectors of the items in the order of the dataset, `(N, D)`; none without embeddings."""
        return None if self.embeddings is None else self.items_by_id.embedding_by_row().numpy()

    @property
    def shape(self) -> DataShape:
        """Sizes of the data."""
        return self.vocabularies.shape(len(self.items_by_id), self.items_by_id.embedding.shape[1])

    def train_dataloader(self) -> DataLoader[ItemBatch]:
        """Return shuffled batches."""
        generator = torch.Generator().manual_seed(self.seed)
        rows = range(len(self.items_by_id))
        sampler = RandomSampler(rows, generator=generator)
        # batches are cut from the tensors at once, not collated item by item
        return DataLoader(rows, batch_size=self.batch_size, sampler=sampler, collate_fn=self._cut)  # type: ignore[arg-type]

    def val_dataloader(self) -> DataLoader[ItemBatch]:
        """Return all items as one batch: collisions are a matter of the whole table."""
        n_items = len(self.items_by_id)
        return DataLoader(range(n_items), batch_size=n_items, collate_fn=lambda _: self.items_by_id)  # type: ignore[arg-type]

    def test_dataloader(self) -> DataLoader[ItemBatch]:
        """Return all items as one batch."""
        return self.val_dataloader()

    def predict_dataloader(self) -> DataLoader[ItemBatch]:
        """Return all items as one batch."""
        return self.val_dataloader()

    def _cut(self, rows: list[int]) -> ItemBatch:
        return self.items_by_id.take(torch.tensor(rows))
