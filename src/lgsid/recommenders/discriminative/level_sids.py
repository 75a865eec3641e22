"""One embedding table per level of the semantic IDs."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lgsid.recommenders.discriminative.sid_features import SidFeatures


class LevelSids(SidFeatures):
    """Embed each level's code on its own and concatenate.

    Args:
        width: Values per level.
    """

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.width = width
        self.tables = nn.ModuleList()

    def build(self, codebook_sizes: Sequence[int]) -> None:
        """Create a table per level."""
        tables = [nn.Embedding(size, self.width) for size in codebook_sizes]
        for table in tables:
            nn.init.normal_(table.weight, std=self.width**-0.5)
        self.tables = nn.ModuleList(tables)
        self.dim = self.width * len(codebook_sizes)

    def forward(self, codes: Tensor) -> Tensor:
        """Return the embeddings of all levels, shape (..., L * width)."""
        return torch.cat([table(codes[..., level]) for level, table in enumerate(self.tables)], dim=-1)
