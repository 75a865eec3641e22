"""Evaluation of scores of given candidates: the click-through task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor
from typing_extensions import Self

from lgsid.artefacts.names import PER_SAMPLE_FILE
from lgsid.metrics.ctr import CTRMetrics
from lgsid.recommenders.evaluation.evaluation import Evaluation
from lgsid.typing import Batch, CTRBatch


@dataclass(frozen=True)
class ClickSamples(Batch):
    """B queries with C candidates each."""

    row: Tensor  # (B,) int64 row of the query in the log
    user: Tensor  # (B,) int64
    is_new: Tensor  # (B,) bool, the user has never been to the positive before
    candidate: Tensor  # (B, C) int64 item rows
    label: Tensor  # (B, C) float32, 1 where the user went there
    near: Tensor  # (B, C) bool, a negative drawn near the user's last place, or a positive

    @classmethod
    def of(cls, batch: CTRBatch) -> Self:
        """Return the samples of a batch."""
        return cls(batch.row, batch.user, batch.is_new, batch.candidate, batch.label, batch.near)


class ClickEvaluation(Evaluation):
    """AUC, grouped AUC, AUC among near negatives and logloss of `CTRMetrics`, by slices.

    The saved columns are row, user, candidate, label, near and score, one line for each sample.

    Args:
        scores_are_logits: Whether the scores are logits, so that they have a logloss.
    """

    file_name = PER_SAMPLE_FILE

    def __init__(self, scores_are_logits: bool) -> None:
        self.metrics = CTRMetrics(scores_are_logits)
        self._parts = []

    def to(self, device: torch.device | str) -> Self:
        """Move the metrics to the device of the scores."""
        self.metrics = self.metrics.to(device)
        return self

    def reset(self) -> None:
        """Forget all samples."""
        self.metrics.reset()
        self._parts = []

    def update(self, samples: ClickSamples, score: Tensor) -> None:
        """Add samples with their scores (B, C)."""
        width = samples.candidate.shape[1]
        row, user, is_new = (v.repeat_interleave(width) for v in (samples.row, samples.user, samples.is_new))
        candidate, label, near = (v.flatten() for v in (samples.candidate, samples.label, samples.near))
        score = score.detach().flatten()
        self.metrics.update(score, label, user, near, is_new)
        self._parts.append((row, user, candidate, label, near, score))

    def compute(self) -> dict[str, Tensor]:
        """Return the metrics by name."""
        return self.metrics.compute() if self._parts else {}

    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """Return row, user, candidate, label, near and score of every sample, each (S,)."""
        columns = [torch.cat(part).cpu().numpy() for part in zip(*self._parts, strict=True)]
        names = ("row", "user", "candidate", "label", "near", "score")
        return dict(zip(names, columns, strict=True)) if columns else {}
