"""The squared difference of projected vectors as features of the reward model's head."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from lgsid.errors import LgsidError
from lgsid.rewards import HeadInput


class PartName(HeadInput):
    """The head sees `(P a - P b)^2` of anchor a and candidate b, with one learned projection P.

    Args:
        width: Number W of features.
    """

    sees_anchor = True

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        if width < 1:
            raise LgsidError(f"PartName: width must be at least 1, got {width}")
        self.width = width

    def build(self, dim: int) -> int:
        """Create the projection of vectors of width `dim`; return W."""
        self.projection = nn.Linear(dim, self.width, bias=False)
        return self.width

    def forward(self, anchor: Tensor, candidates: Tensor) -> Tensor:
        """Return features (B, C, W) of anchors (B, D) and their candidates (B, C, D)."""
        projected: Tensor = self.projection(anchor[:, None] - candidates)
        return projected.square()

    def arguments(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {"width": self.width}
