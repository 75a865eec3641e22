"""Hierarchical geographic tokenizer: a first code of geography and attributes, residual codes of the text vector."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor

from lgsid.errors import LgsidError
from lgsid.functional.residual import nearest, squared_distances
from lgsid.geo.fourier_geo_encoder import FourierGeoEncoder
from lgsid.geo.geo_encoder import GeoEncoder
from lgsid.quantizers.kmeans import kmeans_centroids
from lgsid.quantizers.quantizer import Quantizer
from lgsid.quantizers.residual_centroids import ResidualCentroids
from lgsid.tokenizers.attribute_encoders import AttributeEncoder, OneHotAttributes
from lgsid.tokenizers.collision_strategy import CollisionStrategy
from lgsid.tokenizers.embedding_tokenizer import CHUNK, EmbeddingTokenizer
from lgsid.typing import DataShape, ItemBatch

MAX_FITTED = 200_000


class HierTokenizer(EmbeddingTokenizer):
    """Tokenize hierarchically: a primary code of where and what, then residual codes of the aligned vector.

    Level 1: mini-batch k-means on the fused vector [geographic position, regions, category, brand]; its codewords
    are the mean item vectors of the clusters. Levels 2 to L: a quantizer of the residuals.

    Source: LGSID (arXiv 2511.14221), hierarchical geographic item tokenization. The weights of the parts of the
    fused vector, the form of the position encoding and the codebook sizes are our reading (`docs/method.md`).

    Args:
        codebook_sizes: Number of codes of each level, the primary one first; give it more codes than the others.
        quantizer: Quantizer of levels 2 to L; `ResidualCentroids` if not given.
        geo_encoder: Encoder of positions; `FourierGeoEncoder` if not given.
        attributes: Encoder of regions, category and brand, with their weights; `OneHotAttributes` if not given.
        geo_weight: Weight of the position in the fused vector.
        normalize: Scale every item vector to unit length before centering.
        collisions: Strategy for items that share all codes; `NearestFreeCode` if not given.
        seed: Random seed for the k-means of the first level.
        optimizer: Optimizer for the quantizer, if it has parameters.
    """

    centres: Tensor
    codewords: Tensor

    def __init__(
        self,
        codebook_sizes: Sequence[int] = (128, 64, 64),
        quantizer: Quantizer | None = None,
        geo_encoder: GeoEncoder | None = None,
        attributes: AttributeEncoder | None = None,
        geo_weight: float = 1.0,
        normalize: bool = True,
        collisions: CollisionStrategy | None = None,
        seed: int = 0,
        optimizer: OptimizerCallable = lambda p: torch.optim.AdamW(p, lr=1e-3),
    ) -> None:
        if len(codebook_sizes) < 2:
            raise LgsidError(f"HierTokenizer: needs at least two levels, got codebook_sizes {list(codebook_sizes)}")
        super().__init__(quantizer or ResidualCentroids(), codebook_sizes[1:], normalize, collisions, optimizer)
        self.save_hyperparameters()
        self.primary_codes = int(codebook_sizes[0])
        self.geo_encoder = geo_encoder or FourierGeoEncoder()
        self.attributes = attributes or OneHotAttributes()
        self.geo_weight = geo_weight
        self.seed = seed

    @property
    def codebook_sizes(self) -> tuple[int, ...]:
        """Codes of each level: the primary one, then those of the quantizer."""
        return (self.primary_codes, *self.quantizer.codebook_sizes)

    def build(self, shape: DataShape) -> None:
        """Create the clusters of the first level and the quantizer's codebooks."""
        super().build(shape)
        self.attributes.build(shape)
        width = self.fused(empty_items(shape)).shape[1]
        self.register_buffer("centres", torch.zeros(self.primary_codes, width))
        self.register_buffer("codewords", torch.zeros(self.primary_codes, shape.embedding_dim))

    def fused(self, items: ItemBatch) -> Tensor:
        """Return the fused vectors [position, regions, category, brand], each part by its weight, `(B, F)`."""
        position = self.geo_encoder(items.lat_deg, items.lon_deg)
        return torch.cat([self.geo_weight * position, self.attributes(items)], dim=1)

    def primary(self, items: ItemBatch) -> Tensor:
        """Return the first code of items, `(B,)` int64."""
        return nearest(self.fused(items), self.centres)

    def residual(self, items: ItemBatch, codes: Tensor | None = None) -> Tensor:
        """Return the residuals after the codewords of the first level, `(B, D)`."""
        primary = self.primary(items) if codes is None else codes[:, 0]
        return self.vectors(items) - self.codewords[primary]

    def fit_codebooks(self, items: ItemBatch) -> None:
        """Cluster the fused vectors, take the mean item vector of each cluster, start the quantizer on the rest."""
        self.geo_encoder.fit(items.lat_deg, items.lon_deg)
        generator = torch.Generator().manual_seed(self.seed)
        sample = torch.randperm(len(items), generator=generator)[:MAX_FITTED].sort().values.to(items.item.device)
        self.centres.copy_(kmeans_centroids(self.fused(items.take(sample)), self.primary_codes, self.seed))
        self.mean.copy_(self.vectors(items).mean(dim=0) + self.mean)
        vectors, primary = self.vectors(items), self._primary_codes(items)
        sums = torch.zeros_like(self.codewords, dtype=torch.float64).index_add_(0, primary, vectors.double())
        counts = primary.bincount(minlength=self.primary_codes).clamp_min(1)
        self.codewords.copy_(sums / counts[:, None])
        self.quantizer.fit(vectors - self.codewords[primary])

    def _primary_codes(self, items: ItemBatch) -> Tensor:
        chunks = torch.split(torch.arange(len(items), device=items.item.device), CHUNK)
        return torch.cat([self.primary(items.take(rows)) for rows in chunks])

    @torch.no_grad()
    def encode(self, items: ItemBatch) -> Tensor:
        """Return the codes `(B, L)` of items, before the collision strategy."""
        return torch.cat([self._primary_codes(items)[:, None], super().encode(items)], dim=1)

    @torch.no_grad()
    def distances(self, items: ItemBatch, codes: Tensor, level: int) -> Tensor:
        """Return distances to every code of `level`, `(B, K)`: of fused vectors at level 0, of residuals below."""
        if level == 0:
            return squared_distances(self.fused(items), self.centres)
        return self.quantizer.distances(self.residual(items, codes), codes[:, 1:], level - 1)

    def rebuild(self, codes: Tensor) -> Tensor:
        """Return the centered vectors that `codes: (B, L)` stand for, `(B, D)`."""
        return self.codewords[codes[:, 0]] + self.quantizer.decode(codes[:, 1:])


def empty_items(shape: DataShape) -> ItemBatch:
    """Return a batch of no items with the columns of `shape`."""
    rows, degrees = torch.zeros(0, dtype=torch.int64), torch.zeros(0, dtype=torch.float64)
    region = torch.zeros(0, len(shape.n_regions), dtype=torch.int64)
    vectors = torch.zeros(0, shape.embedding_dim)
    return ItemBatch(rows, np.zeros(0, dtype=object), degrees, degrees, region, rows, rows, rows, vectors)
