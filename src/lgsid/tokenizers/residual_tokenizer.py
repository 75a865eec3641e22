"""Tokenizer of the text vectors alone, without geography."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from lightning.pytorch.cli import OptimizerCallable

from lgsid.quantizers.quantizer import Quantizer
from lgsid.quantizers.rqkmeans import RQKMeans
from lgsid.tokenizers.collision_strategy import CollisionStrategy
from lgsid.tokenizers.embedding_tokenizer import EmbeddingTokenizer


class ResidualTokenizer(EmbeddingTokenizer):
    """Quantize item vectors and nothing else: the un-geographic baselines (Res-KMeans, RQ-VAE ...) by quantizer.

    Args:
        codebook_sizes: Number of codes of each level.
        quantizer: Quantizer of the vectors, for all levels; `RQKMeans` if not given.
        normalize: Scale every item vector to unit length before centering.
        collisions: Strategy for items that share all codes; `NearestFreeCode` if not given.
        optimizer: Optimizer for the quantizer, if it has parameters.
    """

    def __init__(
        self,
        codebook_sizes: Sequence[int] = (128, 64, 64),
        quantizer: Quantizer | None = None,
        normalize: bool = True,
        collisions: CollisionStrategy | None = None,
        optimizer: OptimizerCallable = lambda p: torch.optim.AdamW(p, lr=1e-3),
    ) -> None:
        super().__init__(quantizer or RQKMeans(), codebook_sizes, normalize, collisions, optimizer)
        self.save_hyperparameters()

    @property
    def codebook_sizes(self) -> tuple[int, ...]:
        """Codes of each level: those of the quantizer."""
        return self.quantizer.codebook_sizes
