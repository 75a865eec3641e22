"""Prefixes of semantic IDs as sums of their codes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import Tensor, nn

from lgsid.errors import LgsidError
from lgsid.recommenders import SidFeatures


class PartName(SidFeatures):
    """Embed every prefix by the sum of the embeddings of its codes, so that the first code is in all of them.

    Args:
        width: Values per prefix.
    """

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        if width < 1:
            raise LgsidError(f"PartName: width must be at least 1, not {width}")
        self.width = width
        self.tables = nn.ModuleList()

    def build(self, codebook_sizes: Sequence[int]) -> None:
        """Create a table for each of L levels, and set `dim`."""
        self.tables = nn.ModuleList(nn.Embedding(size, self.width) for size in codebook_sizes)
        self.dim = self.width * len(codebook_sizes)

    def forward(self, codes: Tensor) -> Tensor:
        """Return the features of codes (..., L) int64, shape (..., dim)."""
        vectors = [table(codes[..., level]) for level, table in enumerate(self.tables)]
        return torch.cat(list(accumulate(vectors)), dim=-1)
