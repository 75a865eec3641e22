"""Prefixes of the semantic IDs, hashed to one table."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lgsid.recommenders.discriminative.sid_features import SidFeatures

MULTIPLIER = 0x5851F42D4C957F2D  # Knuth's MMIX; int64 products wrap around
MIX = 0x2545F4914F6CDD1D


class PrefixSids(SidFeatures):
    """Embed every prefix of the codes (first code, first two, ...), hashed to one table, and concatenate.

    Source: prefix n-grams of semantic IDs (arXiv 2306.08121, 2504.02137). Places that share a prefix share what was
    learnt of it; unlike `LevelSids`, a code means something of its own under each prefix.

    Args:
        width: Values per prefix.
        buckets: Rows of the table.
    """

    def __init__(self, width: int = 8, buckets: int = 16_384) -> None:
        super().__init__()
        self.width = width
        self.buckets = buckets
        self.table = nn.Embedding(buckets, width)
        nn.init.normal_(self.table.weight, std=width**-0.5)

    def build(self, codebook_sizes: Sequence[int]) -> None:
        """Note the number of levels."""
        self.dim = self.width * len(codebook_sizes)

    def bucket(self, codes: Tensor) -> Tensor:
        """Return the row of each prefix of codes (..., L), shape (..., L) int64 in 0..buckets-1."""
        state = torch.zeros_like(codes[..., 0])
        rows = []
        for level in range(codes.shape[-1]):
            state = (state + codes[..., level] + level + 1) * MULTIPLIER
            state = state ^ (state >> 29)
            rows.append(((state * MIX) >> 20) % self.buckets)
        return torch.stack(rows, dim=-1)

    def forward(self, codes: Tensor) -> Tensor:
        """Return the embeddings of all prefixes, shape (..., L * width)."""
        features: Tensor = self.table(self.bucket(codes)).flatten(-2)
        return features
