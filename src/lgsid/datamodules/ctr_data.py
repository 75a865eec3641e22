"""The click-through task on check-ins: each positive with stored negatives."""

from __future__ import annotations

from pathlib import Path

import torch

from lgsid.artefacts.dataset import Dataset
from lgsid.artefacts.embeddings import Embeddings
from lgsid.artefacts.semantic_ids import SemanticIDs
from lgsid.datamodules.ctr_candidates import CTRCandidates
from lgsid.datamodules.sequence_data import IntArray, SequenceData
from lgsid.errors import LgsidError
from lgsid.typing import CTRBatch


class CTRData(SequenceData):
    """Serve check-ins as positives, each with two negatives near the last place and two from anywhere.

    Check-ins hold no impressions, so negatives are sampled by training popularity (`docs/evaluation.md`). They depend
    on the data, `near_km` and `seed` only: every model sees the same. A batch holds `batch_size` queries with five
    candidates each, the positive first. After `setup`: `candidates`, and what `SequenceData` has.

    Args:
        dataset: Folder of a prepared dataset, or the dataset itself.
        sids: Semantic IDs of the items: a Parquet file, the `.index.json` of LC-Rec, or the object. Without them items
            have no codes.
        embeddings: Vectors of the items, a Parquet file or the object.
        max_history: Maximum length of the history; the most recent check-ins are kept.
        batch_size: Number of queries per training batch.
        eval_batch_size: Number of queries per validation or test batch.
        val_queries: Number of validation queries, evenly spread over the validation period; null takes all.
        train_queries: Number of training queries, the latest ones; null takes all.
        near_km: Radius around the user's last place in which near negatives lie, in km.
        candidates: Parquet file of the negatives: read if it exists, otherwise sampled and written there.
        seed: Random seed for negative sampling and for the order of training batches.
    """

    serves = CTRBatch

    def __init__(
        self,
        dataset: str | Path | Dataset,
        sids: str | Path | SemanticIDs | None = None,
        embeddings: str | Path | Embeddings | None = None,
        max_history: int = 50,
        batch_size: int = 512,
        eval_batch_size: int = 1024,
        val_queries: int | None = 4000,
        train_queries: int | None = None,
        near_km: float = 5.0,
        candidates: str | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(
            dataset, sids, embeddings, max_history, batch_size, eval_batch_size, val_queries, train_queries, True, seed
        )
        self.near_km = near_km
        self.candidates_path = candidates
        self.candidates: CTRCandidates | None = None

    def setup(self, stage: str | None = None) -> None:
        """Read the files, if any, and sample the negatives, once.

        Raises:
            LgsidError: if a file is missing or broken, or the stored negatives belong to other data.
        """
        super().setup(stage)
        if self.candidates is not None:
            return
        path = self.candidates_path
        if path is not None and Path(path).exists():
            self.candidates = CTRCandidates.read(path)
            kept = self.candidates.metadata.get("data_hash", "")
            fits = self.candidates.negative.size == 0 or self.candidates.negative.max() < len(self.dataset.items)
            if kept != self.dataset.data_hash or not fits:
                raise LgsidError(f"{path}: drawn from other data; delete the file or name another")
            return
        drawn = CTRCandidates.draw(self.log, self.dataset.items, self.near_km, seed=self.seed)
        metadata = {**drawn.metadata, "data_hash": self.dataset.data_hash}
        self.candidates = CTRCandidates(drawn.row, drawn.negative, drawn.near, metadata)
        if path is not None:
            self.candidates.write(path)

    def ctr_batch(self, rows: IntArray) -> CTRBatch:
        """Return the queries at the given log rows (B,), each with its positive and its negatives."""
        if self.candidates is None:
            raise LgsidError("CTRData: call setup before asking for batches")
        candidate, label, near = (torch.from_numpy(values) for values in self.candidates.samples(self.log, rows))
        return CTRBatch(**vars(self.batch(rows)), candidate=candidate, label=label, near=near)

    def served(self, rows: IntArray) -> CTRBatch:
        """Return what a dataloader yields for the queries at the given log rows, shape (B,)."""
        return self.ctr_batch(rows)
