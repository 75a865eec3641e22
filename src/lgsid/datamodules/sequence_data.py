"""Queries of next-place recommendation, with what came before each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from torch.utils.data import DataLoader, Sampler

from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.artefacts.dataset import Dataset
from lgsid.artefacts.embeddings import Embeddings
from lgsid.artefacts.semantic_ids import SemanticIDs
from lgsid.artefacts.sequence_batch import sequence_batch
from lgsid.datamodules.served_batches import Batches, ServedBatches, SharedBatches, check_share
from lgsid.errors import LgsidError
from lgsid.module import LgsidDataModule
from lgsid.processes import own_rows
from lgsid.typing import Batch, DataShape, SequenceBatch

IntArray = npt.NDArray[np.int64]


class SequenceData(LgsidDataModule):
    """Serve the check-ins of a dataset as queries: who, when, where before; and where next.

    The history of a query is every earlier check-in of that user, also those of the validation and test splits, which
    are past by the time of the query (`docs/evaluation.md`). Training queries are the training check-ins that have an
    earlier check-in of the same user. After `setup`: `dataset`, `log`, `codes` (N, L) or None, `embeddings` (N, D) or
    None. Several processes take their shares of each training batch, and of the queries of a test.

    Args:
        dataset: Folder of a prepared dataset, or the dataset itself.
        sids: Semantic IDs of the items: a Parquet file, the `.index.json` of LC-Rec, or the object. Without them items
            have no codes.
        embeddings: Vectors of the items, a Parquet file or the object.
        max_history: Maximum length of the history; the most recent check-ins are kept.
        batch_size: Number of queries per training batch, of all processes together.
        eval_batch_size: Number of queries per validation or test batch, of each process.
        val_queries: Number of validation queries, evenly spread over the validation period; null takes all.
        train_queries: Number of training queries, the latest ones; null takes all.
        bucket_by_length: Group training queries of similar history length into batches, which saves padding.
        seed: Random seed for the order of training queries.
    """

    serves: ClassVar[type[Batch]] = SequenceBatch
    shares_queries = True

    def __init__(
        self,
        dataset: str | Path | Dataset,
        sids: str | Path | SemanticIDs | None = None,
        embeddings: str | Path | Embeddings | None = None,
        max_history: int = 200,
        batch_size: int = 256,
        eval_batch_size: int = 512,
        val_queries: int | None = 2000,
        train_queries: int | None = None,
        bucket_by_length: bool = True,
        seed: int = 0,
    ) -> None:
        super().__init__()
        given = {"max_history": max_history, "batch_size": batch_size, "eval_batch_size": eval_batch_size}
        chosen = {"val_queries": val_queries, "train_queries": train_queries}
        given |= {name: value for name, value in chosen.items() if value is not None}
        for name, value in given.items():
            if value < 1:
                raise LgsidError(f"{type(self).__name__}: {name} must be at least 1, not {value}")
        self.source = dataset
        self.sids = sids
        self.embeddings_source = embeddings
        self.max_history = max_history
        self.batch_size = batch_size
        self.eval_batch_size = eval_batch_size
        self.val_queries = val_queries
        self.train_queries = train_queries
        self.bucket_by_length = bucket_by_length
        self.seed = seed
        self.codes: IntArray | None = None
        self.embeddings: npt.NDArray[np.float32] | None = None

    def setup(self, stage: str | None = None) -> None:
        """Read the files, if any, once.

        Raises:
            LgsidError: if one is missing or broken, or an item has no semantic ID or vector.
        """
        if hasattr(self, "log"):
            return
        self.dataset = Dataset.of(self.source)
        items = self.dataset.items
        sizes: tuple[int, ...] = ()
        if self.sids is not None:
            sids = SemanticIDs.of(self.sids, items)
            self.codes, sizes = sids.for_items(items), sids.codebook_sizes
        if self.embeddings_source is not None:
            self.embeddings = Embeddings.of(self.embeddings_source).for_items(items)
        self._shape = DataShape(
            n_items=len(items),
            n_users=len(self.dataset.user_ids),
            n_regions=tuple(len(items.codes(column)[1]) for column in items.region_columns),
            n_categories=len(items.codes("category")[1]),
            n_category_groups=len(items.codes("category_group")[1]),
            n_brands=len(items.codes("brand")[1]),
            embedding_dim=0 if self.embeddings is None else self.embeddings.shape[1],
            codebook_sizes=sizes,
        )
        self.log = CheckInLog.of(self.dataset)

    @property
    def shape(self) -> DataShape:
        """Sizes of the data."""
        return self._shape

    def queries(self, split: str) -> IntArray:
        """Return the log rows that are queries of a split ("train", "val", "test"), in the order of time.

        Raises:
            LgsidError: if there are none.
        """
        rows = np.flatnonzero(self.log.split == split)
        if split == "train":
            rows = rows[self.log.n_before[rows] > 0]
            if self.train_queries is not None:
                rows = rows[-self.train_queries :]
        if split == "val" and self.val_queries is not None and len(rows) > self.val_queries:
            rows = rows[np.linspace(0, len(rows) - 1, self.val_queries).round().astype(np.int64)]
        if len(rows) == 0:
            raise LgsidError(f"{self.source}: the {split} split has no queries")
        return rows

    def batch(self, rows: IntArray) -> SequenceBatch:
        """Return the queries of the given log rows, shape (B,)."""
        return sequence_batch(self.log, rows, self.max_history)

    def served(self, rows: IntArray) -> SequenceBatch:
        """Return what a dataloader yields for the queries at the given log rows, shape (B,)."""
        return self.batch(rows)

    def train_dataloader(self) -> DataLoader[SequenceBatch]:
        """Serve the training queries in an order that depends on `seed` and the epoch."""
        rows = self.queries("train")
        lengths = self.log.n_before[rows].clip(max=self.max_history) if self.bucket_by_length else None
        batches = QuerySampler(len(rows), self.batch_size, lengths, self.seed)
        return self._loader(rows, SharedBatches(batches, len(rows), self.batch_size))

    def val_dataloader(self) -> DataLoader[SequenceBatch]:
        """Serve the validation queries."""
        return self._ordered("val")

    def test_dataloader(self) -> DataLoader[SequenceBatch]:
        """Serve the test queries."""
        return self._ordered("test")

    def predict_dataloader(self) -> DataLoader[SequenceBatch]:
        """Serve the test queries."""
        return self._ordered("test")

    def _ordered(self, split: str) -> DataLoader[SequenceBatch]:
        """Serve a split with queries of similar history length together."""
        rows = self.queries(split)
        check_share(len(rows), f"queries of the {split} split")
        rows = rows[np.argsort(self.log.n_before[rows].clip(max=self.max_history), kind="stable")]
        rows = rows[own_rows(len(rows)).numpy()]
        return self._loader(rows, ConsecutiveBatches(len(rows), self.eval_batch_size))

    def _loader(self, rows: IntArray, batches: Batches) -> DataLoader[SequenceBatch]:
        return ServedBatches(batches, lambda chosen: self.served(rows[np.asarray(chosen)])).loader()


class ConsecutiveBatches(Sampler[list[int]]):
    """Batches in the order of the queries.

    Args:
        n: Number of queries.
        batch_size: Queries of a batch; the last one may be smaller.
    """

    def __init__(self, n: int, batch_size: int) -> None:
        self.n = n
        self.size = batch_size

    def __len__(self) -> int:
        return -(-self.n // self.size)

    def __iter__(self) -> Iterator[list[int]]:
        for start in range(0, self.n, self.size):
            yield list(range(start, min(start + self.size, self.n)))


class QuerySampler(Sampler[list[int]]):
    """Draw batches without replacement, a new order every epoch, reproducibly.

    Args:
        n: Number of queries.
        batch_size: Number of queries per batch; the last batch of an epoch may be smaller.
        lengths: Shape (n,). If given, queries are sorted by it within chunks of 32 shuffled batches.
        seed: Random seed for the order.
    """

    chunk = 32

    def __init__(self, n: int, batch_size: int, lengths: IntArray | None, seed: int) -> None:
        self.n = n
        self.batch_size = batch_size
        self.lengths = lengths
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return -(-self.n // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        rng = np.random.default_rng([self.seed, self.epoch])
        self.epoch += 1
        order = rng.permutation(self.n)
        if self.lengths is not None:
            size = self.chunk * self.batch_size
            chunks = [order[i : i + size] for i in range(0, self.n, size)]
            order = np.concatenate([c[np.argsort(self.lengths[c], kind="stable")] for c in chunks])
        batches = [order[i : i + self.batch_size] for i in range(0, self.n, self.batch_size)]
        for i in rng.permutation(len(batches)):
            yield batches[i].tolist()
