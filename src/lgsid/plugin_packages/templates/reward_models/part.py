"""A reward model whose labels are softened."""

from __future__ import annotations

import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor

from lgsid.errors import LgsidError
from lgsid.rewards import HeadInput, RewardLoss, RewardModel
from lgsid.text import TextEncoder
from lgsid.typing import RewardBatch


class PartName(RewardModel):
    """Train a reward on labels of which a share is spread over the whole list, so that it is less sure of itself.

    Encoder, head, evaluation and the checkpoint that an alignment reads are those of `RewardModel`.

    Args:
        encoder: Text encoder; all-MiniLM-L6-v2, frozen, if not given.
        input: Features of the head; `AnchoredPair` if not given.
        loss: Loss over lists; `ListwiseSoftmax` if not given.
        smoothing: Share of the labels that is spread, from 0 to below 1.
        hidden_dim: Hidden units of the head.
        dropout: Dropout probability in the head.
        optimizer: Optimizer for the head.
    """

    def __init__(
        self,
        encoder: TextEncoder | None = None,
        input: HeadInput | None = None,
        loss: RewardLoss | None = None,
        smoothing: float = 0.1,
        hidden_dim: int = 128,
        dropout: float = 0.1,
        optimizer: OptimizerCallable = lambda p: torch.optim.AdamW(p, lr=1e-3),
    ) -> None:
        super().__init__(encoder, input, loss, hidden_dim, dropout, optimizer)
        if not 0 <= smoothing < 1:
            raise LgsidError(f"PartName: smoothing must be at least 0 and below 1, not {smoothing}")
        self.smoothing = smoothing

    def training_step(self, batch: RewardBatch, batch_idx: int) -> Tensor:
        """Return the loss of lists whose labels (B, K + 1) are softened."""
        return super().training_step(self.softened(batch), batch_idx)

    def softened(self, batch: RewardBatch) -> RewardBatch:
        """Return the lists with labels that have moved towards their mean; their sums stay."""
        label = torch.lerp(batch.label, batch.label.mean(dim=1, keepdim=True).expand_as(batch.label), self.smoothing)
        return RewardBatch(batch.anchor, batch.candidate, batch.prompt, label, batch.distance_km)
