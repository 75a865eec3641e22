"""Residual codebooks learned by gradient, by cosine at the first levels if asked for, with losses of their own."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import Tensor, nn

from lgsid.errors import LgsidError
from lgsid.functional.residual import residual_decode, residual_distances, residual_encode
from lgsid.quantizers.codebook_loss import CodebookLoss
from lgsid.quantizers.kmeans import residual_kmeans_centroids
from lgsid.quantizers.quantizer import Quantized, Quantizer

DECAY = 0.95  # of the moving average of how many vectors of a batch use a code


class LearnedCodebooks(Quantizer):
    """Quantize residuals with codebooks that a gradient moves, so that losses on the codebooks can be added.

    `L = sum_l |sg[R_{l-1}] - Q_l|^2 + beta |X - sg[Q_1 + .. + Q_l]|^2 + sum_m w_m L_m`, squares as means over the
    width; sg stops the gradient. `ResidualVQ`, whose codebooks are moving averages, has none to add to; neither has the
    library it wraps where codes are chosen by cosine.

    In training, codes that hardly anything uses any more start again at a random residual of the batch.

    Source: VQ-VAE (arXiv 1711.00937) and RQ-VAE as TIGER trains it (arXiv 2305.05065); cosine at the first levels and
    Euclidean distance at the last: arXiv 2502.16474.

    Args:
        codebook_sizes: Number of codes of each level; those of the tokenizer if not given.
        cosine_levels: How many of the first levels choose the code of the largest cosine; the others the nearest code.
        commitment_weight: beta, weight of the commitment of the vectors to their codes.
        losses: Losses on the codebooks, L_m.
        loss_weights: Their weights w_m; 1 each if not given.
        dead_below: Codes that fewer vectors of a batch use, on a moving average, start again; 0 for never.
        seed: Random seed for the k-means initialization.
    """

    def __init__(
        self,
        codebook_sizes: Sequence[int] | None = None,
        cosine_levels: int = 0,
        commitment_weight: float = 0.25,
        losses: list[CodebookLoss] | None = None,
        loss_weights: Sequence[float] | None = None,
        dead_below: float = 1.0,
        seed: int = 0,
    ) -> None:
        super().__init__(codebook_sizes)
        given = list(losses or [])
        self.loss_weights = [1.0] * len(given) if loss_weights is None else [float(weight) for weight in loss_weights]
        if len(self.loss_weights) != len(given):
            raise LgsidError(
                f"{type(self).__name__}: {len(given)} losses but loss_weights {self.loss_weights}; give one each"
            )
        if cosine_levels < 0:
            raise LgsidError(f"{type(self).__name__}: cosine_levels must be 0 or more, not {cosine_levels}")
        self.cosine_levels = cosine_levels
        self.commitment_weight = commitment_weight
        self.dead_below = dead_below
        self.losses = nn.ModuleList(given)
        self.seed = seed
        self.codebooks = nn.ParameterList()

    def build(self, dim: int) -> None:
        """Create the codebooks, small and random until `fit` is called."""
        generator = torch.Generator().manual_seed(self.seed)
        for size in self.codebook_sizes:
            self.codebooks.append(nn.Parameter(0.01 * torch.randn(size, dim, generator=generator)))
        for level, size in enumerate(self.codebook_sizes):
            self.register_buffer(f"use_{level}", torch.full((size,), float(self.dead_below)))

    @torch.no_grad()
    def fit(self, x: Tensor) -> None:
        """Start each level from the centroids of what the levels before it leave of `x: (N, D)`."""
        found = residual_kmeans_centroids(x, self.codebook_sizes, self.seed, cosine_levels=self.cosine_levels)
        for codebook, level in zip(self.codebooks, found, strict=True):
            codebook.copy_(level)

    def forward(self, x: Tensor) -> Quantized:
        """Quantize `x: (B, D)` with the loss above; the embedding passes gradients straight to `x`."""
        books = list(self.codebooks)
        with torch.no_grad():
            codes, residuals = residual_encode(x.detach(), books, self.cosine_levels)
            if self.training:
                self._revive(residuals, codes)
        words = [book[codes[:, level]] for level, book in enumerate(books)]
        sums = list(accumulate(words))
        codebook = torch.stack([(r - w).square().mean() for r, w in zip(residuals, words, strict=False)]).sum()
        commitment = torch.stack([(x - s.detach()).square().mean() for s in sums]).sum()
        terms = {"codebook": codebook, "commitment": commitment}
        loss = codebook + self.commitment_weight * commitment
        seen = [x, *(x - s.detach() for s in sums[:-1])]
        for weight, part in zip(self.loss_weights, self.losses, strict=True):
            terms[type(part).__name__] = found = part(seen, books, codes)
            loss = loss + weight * found
        return Quantized(x + (sums[-1] - x).detach(), codes, loss, terms, sums[-1] + (x - x.detach()))

    def _revive(self, residuals: Sequence[Tensor], codes: Tensor) -> None:
        """Count the `codes: (B, L)` of a batch, and put codes that are dead on random residuals of it."""
        for level, book in enumerate(self.codebooks):
            use = self.get_buffer(f"use_{level}")
            use.mul_(DECAY).add_(codes[:, level].bincount(minlength=len(use)), alpha=1 - DECAY)
            dead = (use < self.dead_below).nonzero()[:, 0]
            rows = torch.randint(len(codes), (len(dead),), device=codes.device)
            book[dead] = residuals[level][rows]
            use[dead] = float(self.dead_below)

    def decode(self, codes: Tensor) -> Tensor:
        """Return the sum of the codewords of `codes: (B, L)`."""
        return residual_decode(codes, list(self.codebooks))

    @torch.no_grad()
    def distances(self, x: Tensor, codes: Tensor, level: int) -> Tensor:
        """Return squared distances of the residual before `level`, or its direction, to the codes, `(B, K_level)`."""
        return residual_distances(x, list(self.codebooks), codes, level, self.cosine_levels)
