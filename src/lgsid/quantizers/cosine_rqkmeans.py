"""Residual k-means of directions."""

from __future__ import annotations

import torch
from torch import Tensor

from lgsid.functional.residual import residual_distances, residual_encode
from lgsid.quantizers.kmeans import residual_kmeans_centroids
from lgsid.quantizers.quantizer import Quantized
from lgsid.quantizers.rqkmeans import RQKMeans


class CosineRQKMeans(RQKMeans):
    """Quantize residuals with k-means, level by level, each code chosen by `argmax_k cos(R_{l-1}, mu_k)`.

    Source: the semantic codebooks of Pro-GEO (arXiv 2604.23156).

    Args:
        codebook_sizes: Number of codes of each level; those of the tokenizer if not given.
        n_init: Number of initializations of k-means; the best one is kept.
        seed: Random seed for the initialization.
    """

    @torch.no_grad()
    def fit(self, x: Tensor) -> None:
        """Cluster the directions of `x: (N, D)`, then those of what is left over, and so on."""
        levels = len(self.codebook_sizes)
        found = residual_kmeans_centroids(x, self.codebook_sizes, self.seed, self.n_init, cosine_levels=levels)
        for centroids, level in zip(self.centroids, found, strict=True):
            centroids.copy_(level)

    def forward(self, x: Tensor) -> Quantized:
        """Quantize `x: (B, D)`; the loss is the mean squared error, without a gradient."""
        codes, residuals = residual_encode(x, self.centroids, len(self.centroids))
        loss = residuals[-1].square().sum(dim=-1).mean()
        return Quantized(x - residuals[-1], codes, loss, {"reconstruction": loss})

    @torch.no_grad()
    def distances(self, x: Tensor, codes: Tensor, level: int) -> Tensor:
        """Return squared distances of the direction of the residual before `level` to the codes', `(B, K_level)`."""
        return residual_distances(x, self.centroids, codes, level, len(self.centroids))
