"""Product quantization: each level quantizes its own part of the vector."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lgsid.errors import LgsidError
from lgsid.quantizers import Quantized, Quantizer, kmeans_centroids


class PartName(Quantizer):
    """Cut vectors into as many parts as there are levels, and quantize each with k-means.

    Source: product quantization (Jegou et al., 2011).

    Args:
        codebook_sizes: Number of codes of each level; those of the tokenizer if not given.
        seed: Random seed of k-means.
    """

    def __init__(self, codebook_sizes: Sequence[int] | None = None, seed: int = 0) -> None:
        super().__init__(codebook_sizes)
        self.seed = seed
        self.widths: list[int] = []

    def build(self, dim: int) -> None:
        """Create the centroids of each level, (K_l, D_l); the widths D_l add up to `dim`."""
        levels = len(self.codebook_sizes)
        if dim < levels:
            raise LgsidError(f"PartName: vectors of width {dim} cannot be cut into {levels} parts; use fewer levels")
        self.widths = [dim // levels + (level < dim % levels) for level in range(levels)]
        generator = torch.Generator().manual_seed(self.seed)
        for level, (size, width) in enumerate(zip(self.codebook_sizes, self.widths, strict=True)):
            self.register_buffer(f"centroids_{level}", 0.01 * torch.randn(size, width, generator=generator))

    @property
    def centroids(self) -> list[Tensor]:
        """Centroids of each level, L tensors (K_l, D_l)."""
        return [self.get_buffer(f"centroids_{level}") for level in range(len(self.widths))]

    @torch.no_grad()
    def fit(self, x: Tensor) -> None:
        """Cluster each part of `x: (N, D)`, the vectors of the training items."""
        for part, centroids in zip(torch.split(x, self.widths, dim=1), self.centroids, strict=True):
            centroids.copy_(kmeans_centroids(part, len(centroids), self.seed))

    def forward(self, x: Tensor) -> Quantized:
        """Quantize `x: (B, D)` to codes (B, L) and the vectors that they stand for; the loss is the squared error."""
        with torch.autocast(x.device.type, enabled=False):
            parts = torch.split(x.float(), self.widths, dim=1)
            nearest = [torch.cdist(p, c).argmin(1) for p, c in zip(parts, self.centroids, strict=True)]
            codes = torch.stack(nearest, dim=1)
            embedding = self.decode(codes)
            loss = (x.float() - embedding).square().sum(dim=1).mean()
        return Quantized(embedding, codes, loss, {"reconstruction": loss})

    def decode(self, codes: Tensor) -> Tensor:
        """Return the vectors (B, D) that `codes: (B, L)` stand for."""
        return torch.cat([c[codes[:, level]] for level, c in enumerate(self.centroids)], dim=1)
