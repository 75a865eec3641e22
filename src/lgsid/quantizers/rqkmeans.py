"""Residual k-means: each level clusters what the levels before it left over."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lgsid.functional.residual import residual_decode, residual_distances, residual_encode
from lgsid.quantizers.kmeans import residual_kmeans_centroids
from lgsid.quantizers.quantizer import Quantized, Quantizer


class RQKMeans(Quantizer):
    """Quantize residuals with k-means, level by level; nothing is learned by gradient.

    Source: residual k-means as in the "Res-KMeans" baseline of LGSID (arXiv 2511.14221).

    Args:
        codebook_sizes: Number of codes of each level; those of the tokenizer if not given.
        n_init: Number of initializations of k-means; the best one is kept.
        seed: Random seed for the initialization.
    """

    def __init__(self, codebook_sizes: Sequence[int] | None = None, n_init: int = 1, seed: int = 0) -> None:
        super().__init__(codebook_sizes)
        self.n_init = n_init
        self.seed = seed

    def build(self, dim: int) -> None:
        """Create the centroids, small and random until `fit` is called."""
        generator = torch.Generator().manual_seed(self.seed)
        for level, size in enumerate(self.codebook_sizes):
            self.register_buffer(f"centroids_{level}", 0.01 * torch.randn(size, dim, generator=generator))

    @property
    def centroids(self) -> list[Tensor]:
        """Centroids of each level, L tensors (K_l, D)."""
        return [self.get_buffer(f"centroids_{level}") for level in range(len(self.codebook_sizes))]

    @torch.no_grad()
    def fit(self, x: Tensor) -> None:
        """Cluster `x: (N, D)`, then what is left over, and so on."""
        found = residual_kmeans_centroids(x, self.codebook_sizes, self.seed, self.n_init)
        for centroids, level in zip(self.centroids, found, strict=True):
            centroids.copy_(level)

    def forward(self, x: Tensor) -> Quantized:
        """Quantize `x: (B, D)`; the loss is the mean squared error, without a gradient."""
        codes, residuals = residual_encode(x, self.centroids)
        loss = residuals[-1].square().sum(dim=-1).mean()
        return Quantized(x - residuals[-1], codes, loss, {"reconstruction": loss})

    def decode(self, codes: Tensor) -> Tensor:
        """Return the sum of the centroids of `codes: (B, L)`."""
        return residual_decode(codes, self.centroids)

    @torch.no_grad()
    def distances(self, x: Tensor, codes: Tensor, level: int) -> Tensor:
        """Return squared distances of the residual before `level` to its centroids, `(B, K_level)`."""
        return residual_distances(x, self.centroids, codes, level)
