"""SASRec: causal self-attention over past visits."""

from __future__ import annotations

from typing import ClassVar

import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor, nn

from lgsid.errors import LgsidError
from lgsid.recommenders import ScoringRecommender
from lgsid.typing import DataShape, SequenceBatch
from lgsid_sasrec.causal_block import CausalBlock
from lgsid_sasrec.inputs import IDInputs, ItemInputs
from lgsid_sasrec.losses import FullSoftmax, NextItemLoss


class SASRec(ScoringRecommender):
    """Score every item by the dot product of its vector with the state of the last visit.

    The visits before a query become vectors of items plus learned positions, counted from the last visit, and pass
    blocks of causal self-attention. Items are read and scored by the same vectors. Neither time nor place is read, only
    the order of visits. A user without a past gets the most visited places.

    In lgsid every training check-in is a query of its own. So the loss is that of the last position, with as much past
    as in evaluation; summed over an epoch it is that of the paper, which predicts all positions of one window.

    Source: Kang and McAuley, "Self-Attentive Sequential Recommendation" (ICDM 2018, arXiv 1808.09781).

    Args:
        item_inputs: Vectors of items: from item IDs (`IDInputs`, if not given), semantic IDs, or both.
        loss: Loss of the next item; `FullSoftmax` if not given.
        width: Values of a state, D.
        n_blocks: Blocks of attention.
        n_heads: Heads of each block; they divide `width`.
        max_length: Visits that are read, the most recent ones.
        dropout: Share of values dropped in training.
        optimizer: Optimizer for the weights.
    """

    carries = "of each place its position, attributes, semantic ID and number of training check-ins"
    scores_are_logits: ClassVar[bool] = False

    def __init__(
        self,
        item_inputs: ItemInputs | None = None,
        loss: NextItemLoss | None = None,
        width: int = 64,
        n_blocks: int = 2,
        n_heads: int = 2,
        max_length: int = 50,
        dropout: float = 0.2,
        optimizer: OptimizerCallable = lambda p: torch.optim.Adam(p, lr=1e-3),
    ) -> None:
        super().__init__(optimizer)
        self.save_hyperparameters()
        sizes = {"width": width, "n_blocks": n_blocks, "n_heads": n_heads, "max_length": max_length}
        for name, value in sizes.items():
            if value < 1:
                raise LgsidError(f"SASRec: {name} must be at least 1, not {value}")
        if width % n_heads:
            raise LgsidError(f"SASRec: width {width} is no multiple of n_heads {n_heads}")
        if not 0 <= dropout < 1:
            raise LgsidError(f"SASRec: dropout must be at least 0 and less than 1, not {dropout:g}")
        self.item_inputs = item_inputs or IDInputs()
        self.loss = loss or FullSoftmax()
        self.width = width
        self.max_length = max_length
        self.position = nn.Embedding(max_length, width)
        nn.init.normal_(self.position.weight, std=width**-0.5)
        self.blocks = nn.ModuleList(CausalBlock(width, n_heads, dropout) for _ in range(n_blocks))
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def build(self, shape: DataShape) -> None:
        """Create the catalogue and the vectors of items."""
        super().build(shape)
        self.item_inputs.build(shape, self.width)

    def states(self, history: Tensor, table: Tensor) -> tuple[Tensor, Tensor]:
        """Return the state after each of the last visits.

        Args:
            history: Shape (B, T), item rows, oldest first, -1 is padding wherever it stands.
            table: Vectors of all items, shape (N, D).

        Returns:
            States (B, S, D), S at most `max_length`, the last visit last; and whether there is a visit, (B, S) bool.
        """
        order = (history >= 0).long().argsort(dim=1, stable=True)  # padding to the front, visits in their order
        visits = history.gather(1, order)[:, max(0, history.shape[1] - self.max_length) :]
        known, length = visits >= 0, visits.shape[1]
        position = torch.arange(length - 1, -1, -1, device=history.device)
        x = self.dropout(table[visits.clamp_min(0)] * self.width**0.5 + self.position(position))
        itself = torch.eye(length, dtype=torch.bool, device=history.device)  # so that padding reads something
        visible = (known[:, None] & itself.new_ones(length, length).tril()) | itself
        for block in self.blocks:
            x = block(x, visible)
        return self.norm(x), known

    def training_step(self, batch: SequenceBatch, batch_idx: int) -> Tensor | None:
        """Return the loss of the next items; of users without a past there is none."""
        batch = batch.take((batch.history >= 0).any(1))
        if not len(batch):
            return None
        table = self.item_inputs(self.catalogue)
        loss = self.loss(self.states(batch.history, table)[0][:, -1], table, batch.target)
        self.log("train/loss", loss.detach(), prog_bar=True, batch_size=len(batch))
        return loss

    @torch.no_grad()
    def scores(self, batch: SequenceBatch) -> Tensor:
        """Return the score of every item, shape (B, N): of users without a past by training check-ins."""
        was_training = self.training
        self.eval()
        popular = torch.log1p(self.catalogue.count.float()).expand(len(batch), -1)
        if batch.history.shape[1]:
            table = self.item_inputs(self.catalogue)
            states, known = self.states(batch.history, table)
            popular = torch.where(known[:, -1:], states[:, -1] @ table.T, popular)
        self.train(was_training)
        return popular

    def candidate_scores(self, batch: SequenceBatch, candidate: Tensor) -> Tensor:
        """Return the scores of candidates (B, C), shape (B, C)."""
        return self.scores(batch).gather(1, candidate)
