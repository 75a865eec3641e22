"""What discriminative recommenders share: they learn to tell the place somebody went to from others."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from lgsid.errors import LgsidError
from lgsid.processes import gather_rows
from lgsid.recommenders.own_future import later_counts
from lgsid.recommenders.scoring_recommender import ScoringRecommender
from lgsid.typing import CTRBatch, SequenceBatch

CELLS = 1 << 19  # histories times candidates that are scored at once


class DiscriminativeRecommender(ScoringRecommender):
    """Score a candidate place for a user at a time; trained with binary cross-entropy on positives and negatives.

    Args:
        optimizer: Optimizer for all weights.
    """

    scores_are_logits = True
    """The scores have a logloss."""

    def __init__(self, optimizer: OptimizerCallable) -> None:
        super().__init__(optimizer)

    @abstractmethod
    def candidate_scores(self, batch: SequenceBatch, candidate: Tensor) -> Tensor:
        """Return logits of candidates (B, C) of each query, shape (B, C)."""

    def training_logits(self, batch: CTRBatch) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Return logits of the candidates of B queries, (B, C), and auxiliary losses by name, scalars."""
        return self.candidate_scores(batch, batch.candidate), {}

    def km_from_last(self, batch: SequenceBatch, candidate: Tensor) -> Tensor:
        """Return the distance of candidates (B, C) from each user's last place, NaN where unknown. (B, C) float64."""
        return self.catalogue.km(batch.history[:, -1:], candidate)

    def log_popularity(self, batch: SequenceBatch, candidate: Tensor) -> Tensor:
        """Return the logarithm of one plus the training check-ins of candidates (B, C), shape (B, C) float32.

        The user's own training check-ins from the query on are not counted: otherwise the model would learn that
        positives are more popular than they are for a check-in that is yet to come.
        """
        count = self.catalogue.count[candidate] - later_counts(batch, candidate)
        return (count.clamp_min(0) + 1).double().log().float()

    def training_step(self, batch: CTRBatch, batch_idx: int) -> Tensor:
        """Return the binary cross-entropy of a batch of candidates, plus the auxiliary losses if there are any.

        `train/loss` is the cross-entropy alone; each auxiliary loss is logged under its own name.

        Raises:
            LgsidError: if the datamodule serves no labels.
        """
        if not isinstance(batch, CTRBatch):
            raise LgsidError(f"{type(self).__name__}: it learns from positives and negatives; use data class CTRData")
        logits, auxiliary = self.training_logits(batch)
        loss = binary_cross_entropy_with_logits(gather_rows(logits), gather_rows(batch.label))
        self.log("train/loss", loss, prog_bar=True, batch_size=batch.label.numel())
        for name, value in auxiliary.items():
            self.log(f"train/{name}", value, batch_size=batch.label.numel())
            loss = loss + value
        return loss

    @torch.no_grad()
    def scores(self, batch: SequenceBatch) -> Tensor:
        """Return the logits of all items, shape (B, N), computed in chunks, without dropout in training mode too."""
        training = self.training
        self.eval()
        n_items, rows = len(self.catalogue), len(batch.row)
        length = max(1, batch.history.shape[1])
        width = max(1, min(n_items, CELLS // length))
        size = max(1, CELLS // (length * width))
        everything = torch.arange(n_items, device=self.catalogue.lat_deg.device)
        chunks = []
        for start in range(0, rows, size):
            part = batch.take(torch.arange(start, min(start + size, rows), device=batch.row.device))
            candidates = (everything[i : i + width] for i in range(0, n_items, width))
            logits = [self.candidate_scores(part, c.expand(len(part.row), -1)) for c in candidates]
            chunks.append(torch.cat(logits, dim=1))
        self.train(training)
        return torch.cat(chunks)
