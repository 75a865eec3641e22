"""Features on which the head of a reward model scores a candidate."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from lgsid.construction import Describable


class HeadInput(Describable, nn.Module, ABC):
    """Turn the vectors of an anchor and of its candidates into features of the two-layer head.

    Subclasses take plain constructor arguments, return them from `arguments`, and create their layers in `build`.
    `sees_anchor` is true where the features depend on the anchor's vector.
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
        """Return the constructor arguments, from which a checkpoint rebuilds this input."""
        return {}


class MismatchedPrompt(HeadInput):
    """The head sees the candidate's vector alone: `r_ij = MLP(E(content_i, location_j))`, the literal reading.

    It learns little where a category and a name do not tell where a place is, as in public check-in data.

    Source: LGSID (arXiv 2511.14221), read literally (docs/method.md, section 1).
    """

    def build(self, dim: int) -> int:
        """Return the width of the vectors; there are no layers."""
        return dim

    def forward(self, anchor: Tensor, candidates: Tensor) -> Tensor:
        """Return the candidates, shape (B, C, D)."""
        return candidates


class AnchoredPair(HeadInput):
    """The head sees the anchor's vector a and the candidate's b: the default.

    Both go through one learned projection; the features are `[a', b', a' * b', |a' - b'|, (a' - b')^2]`. From a
    shared projection to fewer dimensions a two-layer head learns distances better than from the vectors themselves.
    Our reading: the paper's head sees one vector (docs/method.md, section 1).

    Args:
        width: Output dimension of the projection.
        hidden_dim: Width of the projection's hidden layer.
        dropout: Dropout probability in the projection.
    """

    sees_anchor = True

    def __init__(self, width: int = 64, hidden_dim: int = 256, dropout: float = 0.2) -> None:
        super().__init__()
        self.width, self.hidden_dim, self.dropout = width, hidden_dim, dropout

    def build(self, dim: int) -> int:
        """Create the projection; standardization removes the large component that all text vectors share."""
        self.standardise = nn.BatchNorm1d(dim, affine=False)
        self.projection = nn.Sequential(
            nn.Linear(dim, self.hidden_dim),
            nn.GELU(),
            nn.Dropout(self.dropout),
            nn.Linear(self.hidden_dim, self.width),
            nn.LayerNorm(self.width),
        )
        return 5 * self.width

    def forward(self, anchor: Tensor, candidates: Tensor) -> Tensor:
        """Return features, shape (B, C, 5 * width)."""
        vectors = torch.cat([anchor.unsqueeze(1), candidates], dim=1)  # (B, 1 + C, D)
        projected = self.projection(self.standardise(vectors.flatten(0, 1))).unflatten(0, vectors.shape[:2])
        b = projected[:, 1:]
        a = projected[:, :1].expand_as(b)
        gap = a - b
        return torch.cat([a, b, a * b, gap.abs(), gap.square()], dim=-1)

    def arguments(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {"width": self.width, "hidden_dim": self.hidden_dim, "dropout": self.dropout}
