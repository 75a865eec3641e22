"""Learnable Euclidean centroids on residuals, the quantizer of LGSID."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lgsid.errors import LgsidError
from lgsid.functional.residual import (
    mean_square,
    residual_decode,
    residual_distances,
    residual_encode,
    soft_assignment,
    usage_entropy,
)
from lgsid.quantizers.kmeans import residual_kmeans_centroids
from lgsid.quantizers.quantizer import Quantized, Quantizer


class ResidualCentroids(Quantizer):
    """Quantize residuals with learnable centroids, a reconstruction loss and an entropy term against collapse.

    `L = |X - sum_l Q_l|^2 + w * mean_l (1 - H_l / log K_l)`, where `H_l` is the entropy of the batch-mean soft
    assignment of level l. The soft assignment and its scale are our reading: the paper's digests name an entropy
    term without its form.

    Source: LGSID (arXiv 2511.14221), hierarchical tokenization, levels 2 to L.

    Args:
        codebook_sizes: Number of codes of each level; those of the tokenizer if not given.
        entropy_weight: w, weight of the entropy term, relative to the mean squared norm of the vectors.
        temperature: Softness of the assignment in the entropy term, in units of the mean squared residual.
        seed: Random seed for the k-means initialization.
    """

    mean_square: Tensor

    def __init__(
        self,
        codebook_sizes: Sequence[int] | None = None,
        entropy_weight: float = 0.1,
        temperature: float = 0.1,
        seed: int = 0,
    ) -> None:
        super().__init__(codebook_sizes)
        if not 0 <= entropy_weight < math.inf:
            raise LgsidError(f"ResidualCentroids: entropy_weight {entropy_weight:g} must be finite and not negative")
        if not 0 < temperature < math.inf:
            raise LgsidError(f"ResidualCentroids: temperature {temperature:g} must be finite and positive")
        self.entropy_weight = entropy_weight
        self.temperature = temperature
        self.seed = seed
        self.centroids = nn.ParameterList()

    def build(self, dim: int) -> None:
        """Create the centroids, small and random until `fit` is called."""
        generator = torch.Generator().manual_seed(self.seed)
        for size in self.codebook_sizes:
            self.centroids.append(nn.Parameter(0.01 * torch.randn(size, dim, generator=generator)))
        self.register_buffer("mean_square", torch.ones(()))

    @torch.no_grad()
    def fit(self, x: Tensor) -> None:
        """Start each level from the k-means centroids of the residuals of the levels before it."""
        self.mean_square.copy_(mean_square(x))
        found = residual_kmeans_centroids(x, self.codebook_sizes, self.seed)
        for centroids, level in zip(self.centroids, found, strict=True):
            centroids.copy_(level)

    def forward(self, x: Tensor) -> Quantized:
        """Quantize `x: (B, D)` with the loss above, divided by the mean squared norm of the fitted vectors."""
        books = list(self.centroids)
        codes, residuals = residual_encode(x, books)
        reconstruction = residuals[-1].square().sum(dim=-1).mean() / self.mean_square
        entropy = torch.stack(
            [usage_entropy(soft_assignment(r, c, self.temperature)) for r, c in zip(residuals, books, strict=False)]
        ).mean()
        loss = reconstruction + self.entropy_weight * (1.0 - entropy)
        return Quantized(x - residuals[-1], codes, loss, {"reconstruction": reconstruction, "entropy": entropy})

    def decode(self, codes: Tensor) -> Tensor:
        """Return the sum of the centroids of `codes: (B, L)`."""
        return residual_decode(codes, list(self.centroids))

    @torch.no_grad()
    def distances(self, x: Tensor, codes: Tensor, level: int) -> Tensor:
        """Return squared distances of the residual before `level` to its centroids, `(B, K_level)`."""
        return residual_distances(x, list(self.centroids), codes, level)
