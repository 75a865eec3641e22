"""Semantic IDs from the map alone: rows and columns of a grid."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lgsid.errors import LgsidError
from lgsid.tokenizers import CollisionStrategy, CounterSuffix, Tokenizer
from lgsid.typing import DataShape, ItemBatch


class PartName(Tokenizer):
    """Two codes: which part of the latitudes a place is in, and which of the longitudes; all parts hold as many places.

    Args:
        codebook_sizes: Number of parts of the latitudes, and of the longitudes.
        collisions: Strategy for places of one cell; `CounterSuffix` if not given.
    """

    def __init__(self, codebook_sizes: Sequence[int] = (16, 16), collisions: CollisionStrategy | None = None) -> None:
        super().__init__(collisions or CounterSuffix())
        self.save_hyperparameters()
        if len(codebook_sizes) != 2 or min(codebook_sizes) < 1:
            raise LgsidError(f"PartName: codebook_sizes must be two positive numbers, not {list(codebook_sizes)}")
        self.sizes = (int(codebook_sizes[0]), int(codebook_sizes[1]))

    @property
    def codebook_sizes(self) -> tuple[int, ...]:
        """Codes of each level, before the collision strategy."""
        return self.sizes

    def build(self, shape: DataShape) -> None:
        """Create the bounds of the parts, which `fit_codebooks` sets and a checkpoint brings back."""
        for level, size in enumerate(self.sizes):
            self.register_buffer(f"bounds_{level}", torch.zeros(size - 1, dtype=torch.float64))

    def fit_codebooks(self, items: ItemBatch) -> None:
        """Take the quantiles of all items' positions."""
        for level, degrees in enumerate((items.lat_deg, items.lon_deg)):
            shares = torch.arange(1, self.sizes[level], dtype=torch.float64) / self.sizes[level]
            self.get_buffer(f"bounds_{level}").copy_(torch.quantile(degrees.double(), shares.to(degrees.device)))

    def encode(self, items: ItemBatch) -> Tensor:
        """Return the codes (B, 2) of items."""
        positions = (items.lat_deg, items.lon_deg)
        codes = [torch.bucketize(d.double(), self.get_buffer(f"bounds_{at}")) for at, d in enumerate(positions)]
        return torch.stack(codes, dim=1)

    def distances(self, items: ItemBatch, codes: Tensor, level: int) -> Tensor:
        """Return how many parts items are from each code of `level`, (B, K): for a strategy that moves items."""
        own = self.encode(items)[:, level]
        return (own[:, None] - torch.arange(self.sizes[level], device=own.device)).abs().double()
