"""Base class of losses that align a text encoder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor, nn

from lgsid.artefacts import Dataset
from lgsid.construction import Describable
from lgsid.text import TextEncoder
from lgsid.typing import Batch


@dataclass(frozen=True)
class EncodedPairs(Batch):
    """The M places of a batch of B preference pairs, each encoded once, and which of them form the pairs."""

    row: Tensor  # (M,) int64 item rows, all different
    policy: Tensor  # (M, D) embeddings with the adapter on
    reference: Tensor  # (M, D) embeddings with the adapter off, no gradient
    anchor: Tensor  # (B,) int64 positions among the M places
    candidates: Tensor  # (B, 1 + K) int64 positions: the chosen place, then the rejected ones
    positive: Tensor | None = None  # (B, B) bool, see `PreferenceBatch`


class AlignmentLoss(Describable, nn.Module, ABC):
    """Turn the encoded places of a batch of preference pairs into a loss (L_align)."""

    def prepare(self, encoder: TextEncoder, dataset: Dataset) -> None:
        """Load or index what the loss needs before the adapter of `encoder` is trained on `dataset`."""

    @abstractmethod
    def of(self, pairs: EncodedPairs) -> tuple[Tensor, Tensor]:
        """Return the loss of a batch, a scalar, and how much the policy raised the margin of each pair.

        The margin is that between chosen and rejected places over the reference's, shape (B, K), without gradient.
        """
