"""A ranking model without semantic IDs."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from lgsid.recommenders.discriminative.sid_features import SidFeatures


class NoSids(SidFeatures):
    """Leave the semantic IDs out."""

    needs_sids = False

    def build(self, codebook_sizes: Sequence[int]) -> None:
        """Create nothing."""

    def forward(self, codes: Tensor) -> Tensor:
        """Return no features, shape (..., 0)."""
        return codes[..., :0].float()
