"""Anchor and candidate, as a pair."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from lgsid.rewards.head_input import HeadInput


class AnchoredPair(HeadInput):
    """The head sees the anchor's vector a and the candidate's b: the default.

    Both go through one learned projection; the features are `[a', b', a' * b', |a' - b'|, (a' - b')^2]`. METHOD 1 has
    these features on the vectors themselves, without the square; a two-layer head learns bilinear geometry poorly from
    them, and far better from a shared projection to a few dimensions, which becomes a map (our design).

    Args:
        width: Dimensions of the projection.
        dropout: On the projected vectors, while training.
    """

    sees_anchor = True

    def __init__(self, width: int = 64, dropout: float = 0.1) -> None:
        super().__init__()
        self.width, self.dropout = width, dropout

    def build(self, dim: int) -> int:
        """Create the projection."""
        self.projection = nn.Sequential(nn.Linear(dim, self.width), nn.LayerNorm(self.width))
        self.drop = nn.Dropout(self.dropout)
        return 5 * self.width

    def forward(self, anchor: Tensor, candidates: Tensor) -> Tensor:
        """Return features, shape (B, C, 5 * width)."""
        b = self.drop(self.projection(candidates))
        a = self.drop(self.projection(anchor)).unsqueeze(1).expand_as(b)
        gap = a - b
        return torch.cat([a, b, a * b, gap.abs(), gap.square()], dim=-1)

    def arguments(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {"width": self.width, "dropout": self.dropout}
