"""Residual vector quantization with codebooks learned by exponential moving average."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import vector_quantize_pytorch as vq
from torch import Tensor

from lgsid.functional.residual import nearest, residual_distances
from lgsid.quantizers.kmeans import residual_kmeans_centroids, training_rows
from lgsid.quantizers.quantizer import Quantized, Quantizer


class ResidualVQ(Quantizer):
    """Wrap `vector_quantize_pytorch.ResidualVQ`: codebooks follow an exponential moving average of their vectors.

    It has no parameters: it learns by being called in training mode, and needs no optimizer.

    Source: Algorithm 1 of SoundStream (arXiv 2107.03312).

    Args:
        codebook_sizes: Number of codes of each level; those of the tokenizer if not given.
        decay: Decay of the exponential moving average.
        dead_below: Codes whose average count falls below this are reinitialized to a vector of the batch.
        commitment_weight: Weight of the commitment loss, which pulls an encoder's outputs to their codes.
        kmeans_iters: Number of iterations of the k-means initialization.
        seed: Random seed for the k-means initialization.
    """

    def __init__(
        self,
        codebook_sizes: Sequence[int] | None = None,
        decay: float = 0.9,
        dead_below: int = 0,
        commitment_weight: float = 0.25,
        kmeans_iters: int = 20,
        seed: int = 0,
    ) -> None:
        super().__init__(codebook_sizes)
        self.decay = decay
        self.dead_below = dead_below
        self.commitment_weight = commitment_weight
        self.kmeans_iters = kmeans_iters
        self.seed = seed

    def build(self, dim: int) -> None:
        """Create the wrapped module."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            self.vq = vq.ResidualVQ(
                dim=dim,
                codebook_size=self.codebook_sizes,
                decay=self.decay,
                threshold_ema_dead_code=self.dead_below,
                commitment_weight=self.commitment_weight,
                kmeans_init=True,
                kmeans_iters=self.kmeans_iters,
                rotation_trick=False,
                sync_codebook=False,  # every process sees the whole batch
            )

    @property
    def codebooks(self) -> list[Tensor]:
        """Codes of each level as vectors, L tensors (K_l, D)."""
        return list(self.vq.codebooks)

    @torch.no_grad()
    def fit(self, x: Tensor) -> None:
        """Start every level from the k-means centroids of what the levels before it leave of `x: (N, D)`.

        Their moving averages start as if one batch of the sample's size had just been seen.
        """
        residual = x[training_rows(len(x), max(self.codebook_sizes), self.seed).to(x.device)]
        found = residual_kmeans_centroids(residual, self.codebook_sizes, self.seed, max_iter=self.kmeans_iters)
        for level, centroids in zip(self.vq.layers, found, strict=True):
            codes = nearest(residual, centroids)
            residual = residual - centroids[codes]
            counts = codes.bincount(minlength=len(centroids)).to(centroids)
            state = level._codebook
            state.embed.copy_(centroids[None])
            state.cluster_size.copy_(counts[None])
            state.embed_avg.copy_(centroids * counts[:, None])
            state.initted.fill_(True)

    def forward(self, x: Tensor) -> Quantized:
        """Quantize `x: (B, D)`; in training mode the codebooks move. The loss is the commitment loss."""
        quantized, codes, losses = self.vq(x[None])
        loss = losses.sum()
        error = (x - quantized[0]).detach().square().sum(dim=-1).mean()
        return Quantized(quantized[0], codes[0], loss, {"commitment": loss, "reconstruction": error})

    def decode(self, codes: Tensor) -> Tensor:
        """Return the vectors that `codes: (B, L)` stand for."""
        decoded: Tensor = self.vq.get_output_from_indices(codes[None])[0]
        return decoded

    @torch.no_grad()
    def distances(self, x: Tensor, codes: Tensor, level: int) -> Tensor:
        """Return squared distances of the residual before `level` to its codes, `(B, K_level)`."""
        return residual_distances(x, self.codebooks, codes, level)
