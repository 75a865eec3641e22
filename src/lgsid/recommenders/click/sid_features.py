"""How a ranking model sees semantic IDs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lgsid.construction import Describable
from lgsid.errors import LgsidError


class SidFeatures(Describable, nn.Module, ABC):
    """Turn the codes of items into vectors of `dim` values. `build` is called once the codebook sizes are known."""

    dim: int = 0
    needs_sids: bool = True

    @abstractmethod
    def build(self, codebook_sizes: Sequence[int]) -> None:
        """Create the tables for L levels and set `dim`."""

    @abstractmethod
    def forward(self, codes: Tensor) -> Tensor:
        """Return the features of codes (..., L) int64, shape (..., dim)."""


class NoSids(SidFeatures):
    """Leave the semantic IDs out."""

    needs_sids = False

    def build(self, codebook_sizes: Sequence[int]) -> None:
        """Create nothing."""

    def forward(self, codes: Tensor) -> Tensor:
        """Return no features, shape (..., 0)."""
        return codes[..., :0].float()


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


MULTIPLIER = 0x5851F42D4C957F2D  # Knuth's MMIX; int64 products wrap around
MIX = 0x2545F4914F6CDD1D


def prefix_buckets(codes: Tensor, buckets: int) -> Tensor:
    """Return the hash of each prefix of codes (..., L), (..., L) int64 in 0..buckets-1; trained tables rely on it."""
    state = torch.zeros_like(codes[..., 0])
    rows = []
    for level in range(codes.shape[-1]):
        state = (state + codes[..., level] + level + 1) * MULTIPLIER
        state = state ^ (state >> 29)
        rows.append(((state * MIX) >> 20) % buckets)
    return torch.stack(rows, dim=-1)


class PrefixSids(SidFeatures):
    """Embed every prefix of the codes (first code, first two, ...), hashed to one table, and concatenate.

    Source: prefix n-grams of semantic IDs (arXiv 2306.08121, 2504.02137). Places that share a prefix share what was
    learned about it; unlike `LevelSids`, a code means something of its own under each prefix.

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
        return prefix_buckets(codes, self.buckets)

    def forward(self, codes: Tensor) -> Tensor:
        """Return the embeddings of all prefixes, shape (..., L * width)."""
        features: Tensor = self.table(self.bucket(codes)).flatten(-2)
        return features


class SummedPrefixSids(SidFeatures):
    """Embed every prefix of the codes, hashed to a table of its depth, and add up the embeddings.

    Places that share a prefix share a part of their sum, the larger the longer the prefix, as residual quantizers build
    up a vector; `PrefixSids` keeps the depths apart.

    Source: prefix n-grams of semantic IDs (arXiv 2504.02137), summed; a table of its own per depth is our choice.

    Args:
        width: Values of the sum.
        buckets: Rows of each table.
    """

    def __init__(self, width: int = 16, buckets: int = 16_384) -> None:
        super().__init__()
        self.width = width
        self.buckets = buckets
        self.tables = nn.ModuleList()

    def build(self, codebook_sizes: Sequence[int]) -> None:
        """Create a table per depth."""
        tables = [nn.Embedding(self.buckets, self.width) for _ in codebook_sizes]
        for table in tables:
            nn.init.normal_(table.weight, std=self.width**-0.5)
        self.tables = nn.ModuleList(tables)
        self.dim = self.width

    def forward(self, codes: Tensor) -> Tensor:
        """Return the sum over all depths, shape (..., width)."""
        rows = prefix_buckets(codes, self.buckets)
        parts = [table(rows[..., depth]) for depth, table in enumerate(self.tables)]
        return torch.stack(parts).sum(0)


class NgramSids(SidFeatures):
    """Embed every run of n codes together with its level, hashed to one table, and concatenate.

    Source: n-grams of semantic IDs (arXiv 2306.08121); that runs overlap is our reading. `n = 1` is `LevelSids` with
    hashing; unlike a prefix, a run means the same below any codes above it.

    Args:
        n: Number of codes of a run; semantic IDs of fewer levels are one run.
        width: Values per run.
        buckets: Rows of the table.

    Raises:
        LgsidError: if n is less than 1.
    """

    def __init__(self, n: int = 2, width: int = 8, buckets: int = 16_384) -> None:
        super().__init__()
        if n < 1:
            raise LgsidError(f"NgramSids: n must be at least 1, not {n}")
        self.n = n
        self.width = width
        self.buckets = buckets
        self.table = nn.Embedding(buckets, width)
        nn.init.normal_(self.table.weight, std=width**-0.5)

    def build(self, codebook_sizes: Sequence[int]) -> None:
        """Note the number of runs."""
        self.dim = self.width * max(1, len(codebook_sizes) - self.n + 1)

    def bucket(self, codes: Tensor) -> Tensor:
        """Return the row of each run of codes (..., L), shape (..., max(1, L - n + 1)) int64 in 0..buckets-1."""
        runs = codes.unfold(-1, min(self.n, codes.shape[-1]), 1)  # (..., R, n)
        level = torch.arange(runs.shape[-2], device=codes.device).expand(runs.shape[:-1])
        return prefix_buckets(torch.cat([level[..., None], runs], dim=-1), self.buckets)[..., -1]

    def forward(self, codes: Tensor) -> Tensor:
        """Return the embeddings of all runs, shape (..., dim)."""
        features: Tensor = self.table(self.bucket(codes)).flatten(-2)
        return features
