"""The click-through task on check-ins: each positive with stored negatives."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from lgsid.artefacts.dataset import Dataset
from lgsid.artefacts.embeddings import Embeddings
from lgsid.artefacts.semantic_ids import SemanticIDs
from lgsid.construction import CLASS_PATH, INIT_ARGS
from lgsid.datamodules.ctr_candidates import SAMPLER, CTRCandidates
from lgsid.datamodules.negatives import MatchedNegatives, NegativeSampler
from lgsid.datamodules.sequence_data import IntArray, SequenceData
from lgsid.errors import LgsidError
from lgsid.typing import CTRBatch

logger = logging.getLogger(__name__)


class CTRData(SequenceData):
    """Serve check-ins as positives, each with negatives: two as far as positives are and two from anywhere.

    Check-ins hold no impressions, so negatives are drawn (`docs/evaluation.md`). They depend on the data, `negatives`
    and `seed` only: every model sees the same. A batch holds `batch_size` queries with their candidates, the positive
    first. After `setup`: `candidates`, and what `SequenceData` has.

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
        negatives: What draws the negatives; `MatchedNegatives` if none is given.
        candidates: Parquet file of the negatives: read if it exists and they were drawn so, else drawn and written.
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
        negatives: NegativeSampler | None = None,
        candidates: str | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(
            dataset, sids, embeddings, max_history, batch_size, eval_batch_size, val_queries, train_queries, True, seed
        )
        self.negatives = MatchedNegatives() if negatives is None else negatives
        self.candidates_path = candidates
        self.candidates: CTRCandidates | None = None

    def setup(self, stage: str | None = None) -> None:
        """Read the files, if any, and draw the negatives, once.

        Raises:
            LgsidError: if a file is missing or broken, or the stored negatives belong to other data.
        """
        super().setup(stage)
        if self.candidates is not None:
            return
        path, data = self.candidates_path, self.dataset
        asked = {SAMPLER: self.negatives.record(), "seed": self.seed}
        if path is not None and Path(path).exists():
            stored = CTRCandidates.read(path)
            stored.check_data(data.data_hash, len(data.items), path)
            if stored.drawn_with() == asked:
                self.candidates = stored
                return
            logger.warning("%s: drawn with %s; drawing anew with %s", path, _words(stored.drawn_with()), _words(asked))
        self.candidates = CTRCandidates.draw(self.log, data.items, self.negatives, self.seed, data.data_hash)
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


def _words(drawn: Mapping[str, Any]) -> str:
    """Return sampler and seed of negatives as a short text."""
    sampler = drawn[SAMPLER] or {CLASS_PATH: "an unknown sampler", INIT_ARGS: {}}
    arguments = ", ".join(f"{name}={value}" for name, value in sorted(sampler[INIT_ARGS].items()))
    return f"{sampler[CLASS_PATH].rpartition('.')[2]}({arguments}), seed {drawn['seed']}"
