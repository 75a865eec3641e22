"""Recommenders that can be measured on the click-through task."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor

from lgsid.artefacts.files import atomic_path
from lgsid.artefacts.names import CANDIDATES_FILE, PER_SAMPLE_FILE
from lgsid.metrics.ctr import CTRMetrics
from lgsid.recommenders.scoring import ScoringRecommender
from lgsid.typing import CTRBatch, SequenceBatch


class CTRRecommender(ScoringRecommender):
    """A recommender that scores given candidates, and is measured by what its datamodule serves.

    With `SequenceData` it ranks all items (`test/hit@1` and the rest), with `CTRData` it tells the place somebody went
    to from four others (`test/auc`, `test/gauc`, `test/logloss`, `test/near_auc`, slices `new/` and `revisit/`).

    Args:
        optimizer: Makes the optimizer from the parameters.
    """

    probabilities: bool = True
    """Whether `candidate_scores` are logits, so that they have a logloss."""

    def __init__(self, optimizer: OptimizerCallable) -> None:
        super().__init__(optimizer)
        self.ctr: dict[str, CTRMetrics] = {}
        self.per_sample: dict[str, npt.NDArray[Any]] = {}
        self._samples: list[tuple[Tensor, ...]] = []

    @abstractmethod
    def candidate_scores(self, batch: SequenceBatch, candidate: Tensor) -> Tensor:
        """Score some candidates of each query.

        Args:
            batch: B queries.
            candidate: Shape (B, C), item rows.

        Returns:
            Shape (B, C), higher is better.
        """

    def sample_scores(self, batch: CTRBatch) -> Tensor:
        """Score the samples of a click-through batch, shape (B,). Candidates of one query share its history."""
        queries, candidate = by_query(batch)
        return self.candidate_scores(queries, candidate).reshape(-1)

    def _start(self, name: str) -> None:
        self.ctr[name] = CTRMetrics(self.probabilities).to(self.device)

    def _count(self, name: str, batch: CTRBatch) -> Tensor:
        score = self.sample_scores(batch)
        self.ctr[name].update(score, batch.label, batch.user, batch.near, batch.is_new)
        return score

    def _log_ctr(self, name: str) -> bool:
        """Log what was counted; tell whether there was anything."""
        results = self.ctr[name].compute() if self.ctr[name].scores else {}
        self.log_dict({f"{name}/{key}": value for key, value in results.items()})
        return bool(results)

    def on_validation_epoch_start(self) -> None:
        """Start counting anew."""
        super().on_validation_epoch_start()
        self._start("val")

    def validation_step(self, batch: SequenceBatch, batch_idx: int) -> None:
        """Count ranks or samples."""
        if isinstance(batch, CTRBatch):
            self._count("val", batch)
        else:
            super().validation_step(batch, batch_idx)

    def on_validation_epoch_end(self) -> None:
        """Log the metrics of what was served."""
        if not self._log_ctr("val"):
            super().on_validation_epoch_end()

    def on_test_epoch_start(self) -> None:
        """Start counting anew."""
        super().on_test_epoch_start()
        self._start("test")
        self._samples = []

    def test_step(self, batch: SequenceBatch, batch_idx: int) -> None:
        """Count ranks or samples."""
        if isinstance(batch, CTRBatch):
            score = self._count("test", batch)
            self._samples.append((batch.row, batch.user, batch.candidate, batch.label, batch.near, score))
        else:
            super().test_step(batch, batch_idx)

    def on_test_epoch_end(self) -> None:
        """Log the metrics of what was served."""
        if not self._log_ctr("test"):
            super().on_test_epoch_end()
            return
        columns = (torch.cat(part).cpu().numpy() for part in zip(*self._samples, strict=True))
        self.per_sample = dict(zip(("row", "user", "candidate", "label", "near", "score"), columns, strict=True))
        self._samples = []

    def export(self, folder: Path) -> None:
        """Write `per_sample.parquet` after a click-through test, and the candidates that were drawn, once each."""
        super().export(folder)
        if self.per_sample:
            with atomic_path(Path(folder) / PER_SAMPLE_FILE) as partial:
                pq.write_table(pa.table(self.per_sample), partial)
        datamodule = getattr(self._trainer, "datamodule", None) if self._trainer is not None else None
        candidates = getattr(datamodule, "candidates", None)
        if candidates is not None:
            candidates.write(Path(folder) / CANDIDATES_FILE)


def by_query(batch: CTRBatch) -> tuple[SequenceBatch, Tensor]:
    """Group a click-through batch by query, so that a history is looked at once.

    Args:
        batch: B samples. Neighbours with the same row and as many of them for every row are one query.

    Returns:
        Q queries and their candidates (Q, C), Q * C = B, in the order of the batch.
    """
    _, counts = torch.unique_consecutive(batch.row, return_counts=True)
    width = int(counts[0]) if len(counts) and bool((counts == counts[0]).all()) and bool((batch.row >= 0).all()) else 1
    names = [f.name for f in fields(SequenceBatch)]
    queries = SequenceBatch(**{name: getattr(batch, name)[::width] for name in names})
    return queries, batch.candidate.view(-1, width)
