"""A recommender that weighs popularity against distance."""

from __future__ import annotations

import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor, nn
from torch.nn import functional as F

from lgsid.errors import LgsidError
from lgsid.recommenders import ScoringRecommender
from lgsid.typing import DataShape, SequenceBatch


class PartName(ScoringRecommender):
    """Score each place by a learned sum: how popular it is, how far from the user's last place, and whether known.

    What the batch holds, which base to choose and what is to be implemented: `lgsid.testing.RecommenderContract`.

    Args:
        scale_km: Distance below which differences hardly count.
        optimizer: Optimizer for the three weights.
    """

    def __init__(
        self,
        scale_km: float = 0.3,
        optimizer: OptimizerCallable = lambda p: torch.optim.Adam(p, lr=0.05),
    ) -> None:
        super().__init__(optimizer)
        self.save_hyperparameters()
        if scale_km <= 0:
            raise LgsidError(f"PartName: scale_km must be positive, not {scale_km}")
        self.scale_km = scale_km

    def build(self, shape: DataShape) -> None:
        """Create the catalogue of the N items, and the layers."""
        super().build(shape)
        self.weights = nn.Parameter(torch.tensor([1.0, 1.0, 1.0]))

    def scores(self, batch: SequenceBatch) -> Tensor:
        """Return the score of every item for every query, (B, N) float32, higher is better."""
        popular, near, known = self.columns(batch)
        return self.weights[0] * popular + self.weights[1] * near + self.weights[2] * known

    def columns(self, batch: SequenceBatch) -> tuple[Tensor, Tensor, Tensor]:
        """Return what is known of each item for each query: (N,), (B, N) and (B, N)."""
        n, last = len(self.catalogue), batch.history[:, -1]  # right-aligned: -1 where the user has been nowhere
        km = self.catalogue.km(last.clamp_min(0)[:, None], torch.arange(n, device=last.device)).float()
        near = -torch.log1p(km / self.scale_km).masked_fill((last < 0)[:, None], 0.0)
        visits = torch.zeros(len(batch), n + 1, device=last.device)
        visits.scatter_add_(1, batch.history.masked_fill(batch.history < 0, n), torch.ones_like(batch.history).float())
        return torch.log1p(self.catalogue.count.float()), near, torch.log1p(visits[:, :n])

    def training_step(self, batch: SequenceBatch, batch_idx: int) -> Tensor:
        """Return the cross-entropy of the next place."""
        loss = F.cross_entropy(self.scores(batch), batch.target)
        self.log("train/loss", loss, prog_bar=True, batch_size=len(batch))
        return loss
