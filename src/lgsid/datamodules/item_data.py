"""Items as a tokenizer is trained on them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import BatchSampler, DataLoader, RandomSampler

from lgsid.artefacts.dataset import Dataset
from lgsid.artefacts.embeddings import Embeddings
from lgsid.artefacts.held_out import held_out
from lgsid.artefacts.vocabularies import Vocabularies
from lgsid.datamodules.served_batches import ServedBatches
from lgsid.errors import LgsidError
from lgsid.module import LgsidDataModule
from lgsid.typing import DataShape, ItemBatch


class ItemData(LgsidDataModule):
    """Load the items of a dataset, with their attributes and vectors.

    After `setup`: `dataset`, `vocabularies`, `items_by_id`, all items in the order of their ids with the one copy of
    their vectors, and `fitted_by_id`, those of them that a tokenizer is fitted on. Batches are drawn from that order,
    so that a permuted items table trains the same tokenizer. Every process is served all of them: losses and collisions
    are a matter of whole batches, and the fit takes seconds.

    Items can be held out of the fit, to ask what semantic IDs are worth to places that came later: codebooks and
    vocabularies do not see them, and they get their semantic IDs as `lgsid tokenize` gives them to new items. Which
    ones is told by their ids, see `lgsid.artefacts.held_out`.

    Args:
        dataset: Folder of a prepared dataset, or the dataset itself.
        embeddings: Vectors of its items, a Parquet file or the object; none for tokenizers that need none.
        batch_size: Number of items in a training batch.
        seed: Random seed for the order of training batches.
        held_out_share: Expected share of the items that the tokenizer is not fitted on.
        held_out_seed: Random seed for the items held out.
    """

    serves = ItemBatch

    def __init__(
        self,
        dataset: str | Path | Dataset,
        embeddings: str | Path | Embeddings | None = None,
        batch_size: int = 512,
        seed: int = 0,
        held_out_share: float = 0.0,
        held_out_seed: int = 0,
    ) -> None:
        super().__init__()
        self.source = dataset
        self.embeddings = embeddings
        self.batch_size = batch_size
        self.seed = seed
        self.held_out_share, self.held_out_seed = held_out_share, held_out_seed
        self.dataset: Dataset | None = None

    def setup(self, stage: str | None = None) -> None:
        """Read the files, if any, once.

        Raises:
            LgsidError: if a file is missing or broken, or all items are held out.
        """
        if self.dataset is not None:
            return
        dataset = Dataset.of(self.source)
        order = np.argsort(dataset.items.ids.astype(str), kind="stable")
        items = dataset.items.take(order)
        vectors = None if self.embeddings is None else Embeddings.of(self.embeddings).for_items(items)
        fitted = np.flatnonzero(~held_out(items.ids, self.held_out_share, self.held_out_seed))
        if not len(fitted):
            raise LgsidError(f"ItemData: held_out_share {self.held_out_share:g} leaves no place to fit; lower it")
        whole = len(fitted) == len(items)
        self.vocabularies = Vocabularies.of(items if whole else items.take(fitted))
        self.items_by_id = replace(self.vocabularies.batch(items, vectors), item=torch.from_numpy(order))
        self.fitted_by_id = self.items_by_id if whole else self.items_by_id.take(torch.from_numpy(fitted))
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
        rows = range(len(self.fitted_by_id))
        batches = BatchSampler(RandomSampler(rows, generator=generator), self.batch_size, drop_last=False)
        return ServedBatches(batches, self._cut).loader()  # cut from the tensors at once, not collated item by item

    def val_dataloader(self) -> DataLoader[ItemBatch]:
        """Return all items as one batch: collisions are a matter of the whole table."""
        return ServedBatches([[0]], lambda _: self.items_by_id).loader()

    def test_dataloader(self) -> DataLoader[ItemBatch]:
        """Return all items as one batch."""
        return self.val_dataloader()

    def predict_dataloader(self) -> DataLoader[ItemBatch]:
        """Return all items as one batch."""
        return self.val_dataloader()

    def _cut(self, rows: list[int]) -> ItemBatch:
        return self.fitted_by_id.take(torch.tensor(rows))
