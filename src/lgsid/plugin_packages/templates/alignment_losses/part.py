"""A hinge on the cosine of chosen and rejected places."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from lgsid.alignment import AlignmentLoss, EncodedPairs
from lgsid.errors import LgsidError


class PartName(AlignmentLoss):
    """`max(0, margin - cos(anchor, chosen) + cos(anchor, rejected))`, mean over pairs and rejected places.

    Args:
        margin: By how much the chosen place should be more alike; at 2 every pair always counts.
    """

    def __init__(self, margin: float = 1.0) -> None:
        super().__init__()
        if margin <= 0:
            raise LgsidError(f"PartName: margin must be positive, not {margin}")
        self.margin = margin

    def of(self, pairs: EncodedPairs) -> tuple[Tensor, Tensor]:
        """Return the loss, a scalar, and how much the policy raised the margin of each pair, (B, K)."""
        margin, before = (self.margins(vectors, pairs) for vectors in (pairs.policy, pairs.reference.detach()))
        return F.relu(self.margin - margin).mean(), (margin - before).detach()

    def margins(self, vectors: Tensor, pairs: EncodedPairs) -> Tensor:
        """Return cosine of the chosen place less that of each rejected one, (B, K), from vectors (M, D)."""
        unit = F.normalize(vectors, dim=1)
        cosine = (unit[pairs.anchor][:, None] * unit[pairs.candidates]).sum(dim=-1)  # (B, 1 + K)
        return cosine[:, :1] - cosine[:, 1:]
