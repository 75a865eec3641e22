"""The base of tokenizers that quantize item vectors: centering, a quantizer, its training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor
from torch.nn.functional import normalize

from lgsid.errors import LgsidError
from lgsid.quantizers.quantizer import Quantized, Quantizer
from lgsid.tokenizers.collision_strategy import CollisionStrategy
from lgsid.tokenizers.tokenizer import Tokenizer
from lgsid.typing import DataShape, ItemBatch

CHUNK = 16_384  # items computed at once
MAX_FITTED = 200_000  # items that codebooks are fitted on; a sample where there are more


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
        self._earlier: Tensor | None = None  # codes above the quantizer, by item row; the same in every epoch

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

    def earlier_codes(self, items: ItemBatch) -> Tensor:
        """Return the codes of the levels above the quantizer, `(B, P)` int64; here there are none."""
        return items.item.new_zeros(len(items), 0)

    def residual(self, items: ItemBatch, codes: Tensor) -> Tensor:
        """Return what the quantizer sees of items, `(B, D)`, below the first P of their `codes: (B, L)`."""
        return self.vectors(items)

    def on_fit_end(self) -> None:
        """Free the memory of the codes that training used."""
        self._earlier = None

    def fit_codebooks(self, items: ItemBatch) -> None:
        """Compute the mean and initialize the codebooks."""
        self.fit_mean(items)
        self.fit_quantizer(items)

    def fit_mean(self, items: ItemBatch) -> None:
        """Compute the mean of the vectors."""
        sums = [self.vectors(chunk).mean(dim=0).double() * len(chunk) for chunk in chunks(items)]
        self.mean.copy_((torch.stack(sums).sum(dim=0) / len(items)).float() + self.mean)

    def fit_quantizer(self, items: ItemBatch) -> None:
        """Initialize the quantizer from what it sees of at most `MAX_FITTED` items."""
        sample = chunks(fitted_sample(items, 0))
        self.quantizer.fit(rows_of(self.residual(chunk, self.earlier_codes(chunk)) for chunk in sample))

    def training_step(self, batch: ItemBatch, batch_idx: int) -> Tensor | None:
        """Return the quantizer's loss, if it learns by gradient."""
        if self._earlier is None:
            items = self._items()
            codes = rows_of(self.earlier_codes(chunk) for chunk in chunks(items))
            n_rows = int(items.item.max()) + 1
            self._earlier = codes.new_zeros(n_rows, codes.shape[1]).index_copy_(0, items.item, codes)
        quantized: Quantized = self.quantizer(self.residual(batch, self._earlier[batch.item]))
        added = self.added_losses(batch, quantized)
        loss = torch.stack([quantized.loss, *added.values()]).sum()
        self.log("train/loss", loss, on_step=False, on_epoch=True, batch_size=len(batch))
        terms = {f"train/{name}": value.detach() for name, value in {**quantized.terms, **added}.items()}
        self.log_dict(terms, on_step=False, on_epoch=True, batch_size=len(batch))
        return loss if loss.requires_grad else None

    def added_losses(self, batch: ItemBatch, quantized: Quantized) -> Mapping[str, Tensor]:
        """Return what a tokenizer adds to its quantizer's loss on a training batch, weighted, by name; here nothing."""
        return {}

    @torch.no_grad()
    def encode(self, items: ItemBatch) -> Tensor:
        """Return the codes `(B, L)` of items, before the collision strategy."""
        return rows_of(self._encode_chunk(chunk) for chunk in chunks(items))

    def _encode_chunk(self, items: ItemBatch) -> Tensor:
        earlier = self.earlier_codes(items)
        return torch.cat([earlier, self.quantizer.encode(self.residual(items, earlier))], dim=1)

    @torch.no_grad()
    def distances(self, items: ItemBatch, codes: Tensor, level: int) -> Tensor:
        """Return the quantizer's distances to every code of `level`, `(B, K)`."""
        return self.quantizer.distances(self.residual(items, codes), codes, level)

    def rebuild(self, codes: Tensor) -> Tensor:
        """Return the centered vectors that `codes: (B, L)` stand for, `(B, D)`."""
        return self.quantizer.decode(codes)

    @torch.no_grad()
    def squared_errors(self, items: ItemBatch, codes: Tensor) -> tuple[float, float]:
        """Return the squares that `codes: (B, L)` lose of the centered vectors, and those of these vectors."""
        lost, all_of_it = 0.0, 0.0
        for chunk, part in zip(chunks(items), torch.split(codes, CHUNK), strict=True):
            vectors = self.vectors(chunk)
            lost += float((vectors - self.rebuild(part)).double().square().sum())
            all_of_it += float(vectors.double().square().sum())
        return lost, all_of_it


def chunks(items: ItemBatch) -> Iterator[ItemBatch]:
    """Yield items in parts of at most `CHUNK`, in their order; of none, one part."""
    for start in range(0, max(len(items), 1), CHUNK):
        yield items.cut(start, start + CHUNK)


def rows_of(parts: Iterable[Tensor]) -> Tensor:
    """Join the rows of parts `(B, W)`, which are made one after the other, `(N, W)`."""
    return torch.cat(list(parts))


def fitted_sample(items: ItemBatch, seed: int) -> ItemBatch:
    """Return the items that codebooks are fitted on: all, or `MAX_FITTED` random ones in their order."""
    if len(items) <= MAX_FITTED:
        return items
    generator = torch.Generator().manual_seed(seed)
    return items.take(torch.randperm(len(items), generator=generator)[:MAX_FITTED].sort().values.to(items.item.device))
