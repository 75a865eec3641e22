"""The candidate's vector alone."""

from __future__ import annotations

from torch import Tensor

from lgsid.rewards.head_input import HeadInput


class MismatchedPrompt(HeadInput):
    """The head sees the candidate's vector alone: `r_ij = MLP(E(content_i, location_j))`, the literal reading.

    On public data that learns next to nothing: a category and a name do not tell where a place is (METHOD 1).
    """

    def build(self, dim: int) -> int:
        """Return the width of the vectors; there are no layers."""
        return dim

    def forward(self, anchor: Tensor, candidates: Tensor) -> Tensor:
        """Return the candidates, shape (B, C, D)."""
        return candidates
