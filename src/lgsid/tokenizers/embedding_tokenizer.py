"""The base of tokenizers that quantize item vectors: centering, a quantizer, its training."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor
from torch.nn.functional import normalize

from lgsid.errors import LgsidError
from lgsid.quantizers.quantizer import Quantized, Quantizer
from lgsid.tokenizers.collision_strategy import CollisionStrategy
from lgsid.tokenizers.tokenizer import Tokenizer
from lgsid.typing import DataShape, ItemBatch

CHUNK = 65_536


class EmbeddingTokenizer(Tokenizer):
    """Tokenize by quantizing item vectors, or what an earlier level leaves of them.

    Args:
        quantizer: Quantizer of the (residual) vectors.
        quantizer_sizes: Number of codes of each of its levels.
        normalize: Scale every item vector to unit length before centering.
        collisions: Strategy for items that share all codes; `NearestFreeCode` if not given.
        optimizer: Optimizer for the quantizer, if it has parameters.
    """

    mean: Tensor

    def __init__(
        self,
        quantizer: Quantizer,
        quantizer_sizes: Sequence[int],
        normalize: bool = True,
        collisions: CollisionStrategy | None = None,
        optimizer: OptimizerCallable = lambda p: torch.optim.AdamW(p, lr=1e-3),
    ) -> None:
        super().__init__(collisions, optimizer)
        quantizer.take_codebook_sizes(quantizer_sizes)
        self.quantizer = quantizer
        self.normalize = normalize
        self._residuals: Tensor | None = None  # what the quantizer trains on, by item row; the same in every epoch

    def build(self, shape: DataShape) -> None:
        """Create the mean and the quantizer's codebooks."""
        self.require_embeddings(shape)
        self.register_buffer("mean", torch.zeros(shape.embedding_dim))
        self.quantizer.build(shape.embedding_dim)

    def vectors(self, items: ItemBatch) -> Tensor:
        """Return the vectors of items, scaled and centered, `(B, D)`."""
        given = items.embedding
        if given.shape[1] != len(self.mean):
            raise LgsidError(
                f"{type(self).__name__}: fitted on vectors of width {len(self.mean)}, got {given.shape[1]};"
                " encode the items with the text encoder the tokenizer was fitted with"
            )
        return (normalize(given, dim=1) if self.normalize else given) - self.mean

    def residual(self, items: ItemBatch, codes: Tensor | None = None) -> Tensor:
        """Return what the quantizer sees of items, `(B, D)`; with `codes: (B, L)`, below the first ones of these."""
        return self.vectors(items)

    @torch.no_grad()
    def all_residuals(self, items: ItemBatch) -> Tensor:
        """Return `residual` of a whole table of items by their rows, `(N, D)`."""
        chunks = [items.take(rows) for rows in torch.split(torch.arange(len(items), device=items.item.device), CHUNK)]
        residuals = torch.zeros_like(items.embedding)
        return residuals.index_copy_(0, items.item, torch.cat([self.residual(chunk) for chunk in chunks]))

    def on_fit_end(self) -> None:
        """Free the memory of the training vectors."""
        self._residuals = None

    def fit_codebooks(self, items: ItemBatch) -> None:
        """Compute the mean and initialize the codebooks."""
        self.mean.copy_(self.vectors(items).mean(dim=0) + self.mean)
        self.quantizer.fit(self.residual(items))

    def training_step(self, batch: ItemBatch, batch_idx: int) -> Tensor | None:
        """Return the quantizer's loss, if it learns by gradient."""
        if self._residuals is None:
            self._residuals = self.all_residuals(self._items())
        quantized: Quantized = self.quantizer(self._residuals[batch.item])
        self.log("train/loss", quantized.loss, on_step=False, on_epoch=True, batch_size=len(batch))
        terms = {f"train/{name}": value.detach() for name, value in quantized.terms.items()}
        self.log_dict(terms, on_step=False, on_epoch=True, batch_size=len(batch))
        return quantized.loss if quantized.loss.requires_grad else None

    @torch.no_grad()
    def encode(self, items: ItemBatch) -> Tensor:
        """Return the codes `(B, L)` of items, before the collision strategy."""
        chunks = torch.split(torch.arange(len(items), device=items.item.device), CHUNK)
        return torch.cat([self.quantizer.encode(self.residual(items.take(rows))) for rows in chunks])

    @torch.no_grad()
    def distances(self, items: ItemBatch, codes: Tensor, level: int) -> Tensor:
        """Return the quantizer's distances to every code of `level`, `(B, K)`."""
        return self.quantizer.distances(self.residual(items, codes), codes, level)

    def rebuild(self, codes: Tensor) -> Tensor:
        """Return the centered vectors that `codes: (B, L)` stand for, `(B, D)`."""
        return self.quantizer.decode(codes)

    @torch.no_grad()
    def reconstruction_error(self, items: ItemBatch, codes: Tensor) -> float:
        """Return the share of the vectors' variance that `codes: (B, L)` lose."""
        vectors = self.vectors(items)
        lost = (vectors - self.rebuild(codes)).double().square().sum()
        return float(lost / vectors.double().square().sum().clamp_min(1e-12))
