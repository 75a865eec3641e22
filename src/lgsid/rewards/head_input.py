"""What the head of the reward sees."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from torch import Tensor, nn


class HeadInput(nn.Module, ABC):
    """Turn the vectors of an anchor and of its candidates into features of the two-layer head.

    Subclasses take plain constructor arguments, return them from `arguments`, and create their layers in `build`.
    `sees_anchor` tells whether the anchor's vector matters.
    """

    sees_anchor: ClassVar[bool] = False

    @abstractmethod
    def build(self, dim: int) -> int:
        """Create the layers for vectors of width `dim`; return the width W of the features."""

    @abstractmethod
    def forward(self, anchor: Tensor, candidates: Tensor) -> Tensor:
        """Return features.

        Args:
            anchor: Vectors of the anchors' own prompts, shape (B, D).
            candidates: Vectors of the candidates' prompts, shape (B, C, D).

        Returns:
            Shape (B, C, W).
        """

    def arguments(self) -> dict[str, Any]:
        """Return the constructor arguments, to build the same from a checkpoint."""
        return {}
