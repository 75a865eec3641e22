"""A recommender of places new to the user: all evidence, weighed by a small network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor, nn

from lgsid.functional.ranking import NEVER
from lgsid.processes import n_processes
from lgsid.recommenders.check_in_source import CheckInSource
from lgsid.recommenders.evidence.evidence_network import EvidenceNetwork
from lgsid.recommenders.refreshable import Refreshable
from lgsid.recommenders.scoring_recommender import ScoringRecommender
from lgsid.recommenders.warmed_up import warmed_up
from lgsid.typing import DataShape, SequenceBatch


class NewPlaceRanker(ScoringRecommender, Refreshable):
    """Rank places new to the user by evidence: the learned counterpart of `NewPlaceFloor`.

    Trained on the training check-ins at places new to their user. Places where the user has been are never returned, so
    that only the slices `new/` and `explore/` tell something.

    Args:
        evidence: The network and what it weighs.
        warmup_share: Share of the training steps in which the learning rate rises; it then falls to zero. With
            `None` the rate stays as it is.
        optimizer: Optimizer for the weights.
    """

    carries = "of each place its position, attributes and check-ins by hour; of pairs of places what users share"

    def __init__(
        self,
        evidence: EvidenceNetwork | None = None,
        warmup_share: float | None = 0.1,
        optimizer: OptimizerCallable = lambda p: torch.optim.AdamW(p, lr=3e-3),
    ) -> None:
        super().__init__(optimizer)
        self.save_hyperparameters()
        self.warmup_share = warmup_share
        self.evidence = evidence or EvidenceNetwork()

    def build(self, shape: DataShape) -> None:
        """Create the catalogue and the network."""
        super().build(shape)
        self.evidence.build(shape)

    def take_catalogue(self, source: CheckInSource) -> None:
        """Fill the catalogue and count the evidence."""
        super().take_catalogue(source)
        self.evidence.count(source, self.catalogue)

    def counted(self) -> Iterator[nn.Module]:
        """Yield the catalogue and the evidence."""
        yield self.catalogue
        yield from self.evidence.kinds()

    def trained_as(self, user: Tensor) -> Tensor:
        """Return the numbers as they are: users are not read, only where they have been."""
        return user

    def take_users(self, numbers: Tensor) -> None:
        """Do nothing."""

    def configure_optimizers(self) -> Any:
        """Return the optimizer, with a linear warm-up and a linear decay to zero if there is a share for it."""
        optimizer = super().configure_optimizers()
        if self.warmup_share is None:
            return optimizer
        return warmed_up(optimizer, self.trainer.estimated_stepping_batches, self.warmup_share)

    def training_step(self, batch: SequenceBatch, batch_idx: int) -> Tensor | None:
        """Return the loss on the queries whose target is new to the user; nothing where none is learned from."""
        loss = self.evidence.loss(batch.take(batch.is_new), self.catalogue)
        if not loss.requires_grad and n_processes() == 1:
            return None
        self.log("train/nll", loss.detach(), prog_bar=True, batch_size=len(batch))
        return loss

    @torch.no_grad()
    def scores(self, batch: SequenceBatch) -> Tensor:
        """Return the score of every item, minus infinity where the user has been, shape (B, N)."""
        scores = self.evidence.scores(batch, self.catalogue)
        return scores.masked_fill(scores == NEVER, -torch.inf)
