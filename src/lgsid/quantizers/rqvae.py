"""RQ-VAE: an autoencoder whose narrow middle is a residual quantizer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from lgsid.functional.residual import mean_square
from lgsid.quantizers.kmeans import training_rows
from lgsid.quantizers.quantizer import Quantized, Quantizer
from lgsid.quantizers.residual_vq import ResidualVQ


class RQVAE(Quantizer):
    """Quantize the output of a small encoder network, and rebuild the vector with a decoder network.

    `L = |X - decoder(sum_l Q_l)|^2 / mean |X|^2 + commitment`, the codebooks by moving average.

    Source: RQ-VAE (arXiv 2203.01941) as TIGER uses it (arXiv 2305.05065).

    Args:
        codebook_sizes: Number of codes of each level; those of the tokenizer if not given.
        latent_dim: Width of the quantized vectors.
        hidden_dims: Widths of the encoder's hidden layers; the decoder has them in reverse.
        decay: Decay of the codebooks' exponential moving average.
        dead_below: Codes whose average count falls below this are reinitialized to a vector of the batch.
        commitment_weight: Weight of the commitment loss.
        seed: Random seed for the networks' weights and the k-means initialization.
    """

    mean_square: Tensor

    def __init__(
        self,
        codebook_sizes: Sequence[int] | None = None,
        latent_dim: int = 32,
        hidden_dims: Sequence[int] = (256,),
        decay: float = 0.95,
        dead_below: int = 1,
        commitment_weight: float = 0.25,
        seed: int = 0,
    ) -> None:
        super().__init__(codebook_sizes)
        self.latent_dim = latent_dim
        self.hidden_dims = tuple(hidden_dims)
        self.seed = seed
        self.vq: Quantizer = ResidualVQ(codebook_sizes, decay, dead_below, commitment_weight, seed=seed)

    def take_codebook_sizes(self, codebook_sizes: Sequence[int]) -> None:
        """Take the sizes that a tokenizer sets, before `build`."""
        super().take_codebook_sizes(codebook_sizes)
        self.vq.take_codebook_sizes(codebook_sizes)

    def build(self, dim: int) -> None:
        """Create encoder, codebooks and decoder."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            widths = [dim, *self.hidden_dims, self.latent_dim]
            self.encoder = perceptron(widths)
            self.decoder = perceptron(widths[::-1])
        self.vq.build(self.latent_dim)
        self.register_buffer("mean_square", torch.ones(()))

    @torch.no_grad()
    def fit(self, x: Tensor) -> None:
        """Start the codebooks by k-means on the outputs of the untrained encoder."""
        self.mean_square.copy_(mean_square(x))
        sample = x[training_rows(len(x), max(self.codebook_sizes), self.seed).to(x.device)]
        self.vq.fit(self.encoder(sample))

    def forward(self, x: Tensor) -> Quantized:
        """Quantize `x: (B, D)` with the loss above; in training mode the codebooks move."""
        inner: Quantized = self.vq(self.encoder(x))
        rebuilt = self.decoder(inner.embedding)
        reconstruction = (x - rebuilt).square().sum(dim=-1).mean() / self.mean_square
        terms = {**inner.terms, "reconstruction": reconstruction}
        latent = inner.embedding if inner.latent is None else inner.latent
        return Quantized(rebuilt, inner.codes, reconstruction + inner.loss, terms, latent)

    def decode(self, codes: Tensor) -> Tensor:
        """Return the decoder's output for `codes: (B, L)`."""
        decoded: Tensor = self.decoder(self.vq.decode(codes))
        return decoded

    @torch.no_grad()
    def distances(self, x: Tensor, codes: Tensor, level: int) -> Tensor:
        """Return squared distances between the encoder's output and the codes of `level`, `(B, K_level)`."""
        return self.vq.distances(self.encoder(x), codes, level)


def perceptron(widths: Sequence[int]) -> nn.Sequential:
    """Return linear layers of the given widths with ReLU between them."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])
