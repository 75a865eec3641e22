"""Hierarchical geographic tokenizer: a first code of geography and attributes, residual codes of the text vector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor

from lgsid.errors import LgsidError
from lgsid.functional.residual import nearest
from lgsid.geo.fourier_geo_encoder import FourierGeoEncoder
from lgsid.geo.geo_encoder import GeoEncoder
from lgsid.quantizers.kmeans import kmeans_centroids, training_rows
from lgsid.quantizers.quantizer import Quantizer
from lgsid.quantizers.residual_centroids import ResidualCentroids
from lgsid.tokenizers.attribute_encoders import AttributeEncoder, OneHotAttributes
from lgsid.tokenizers.collision_strategy import CollisionStrategy
from lgsid.tokenizers.embedding_tokenizer import CHUNK, EmbeddingTokenizer, chunks, rows_of
from lgsid.typing import DataShape, ItemBatch

SKETCHED = 2**25  # numbers in the vectors of a clustering; above, its start is found from sketches
REFINEMENTS = 4  # passes of Lloyd's algorithm after a start from sketches


class HierTokenizer(EmbeddingTokenizer):
    """Tokenize hierarchically: a primary code of where and what, then residual codes of the aligned vector.

    Level 1: k-means on the fused vector [geographic position, regions, category, brand]; its codewords
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
        return torch.cat([self.position(items), self.attributes(items)], dim=1)

    def position(self, items: ItemBatch) -> Tensor:
        """Return the encoded positions by their weight, the first part of the fused vectors."""
        return self.geo_weight * cast(Tensor, self.geo_encoder(items.lat_deg, items.lon_deg))

    def primary_distances(self, items: ItemBatch) -> Tensor:
        """Return squared distances of the fused vectors to the centres of the first level, `(B, K)` float64."""
        position, centres = self.position(items).double(), self.centres.double()
        width = position.shape[1]
        cross = position @ centres[:, :width].T + self.attributes.products(items, centres[:, width:])
        squares = position.square().sum(dim=1) + self.attributes.squares(items)
        return (squares[:, None] + centres.square().sum(dim=1) - 2 * cross).clamp_min(0.0)

    def primary(self, items: ItemBatch) -> Tensor:
        """Return the first code of items, `(B,)` int64."""
        return self.primary_distances(items).argmin(dim=1)

    def earlier_codes(self, items: ItemBatch) -> Tensor:
        """Return the first code of items, `(B, 1)` int64."""
        return self.primary(items)[:, None]

    def residual(self, items: ItemBatch, codes: Tensor) -> Tensor:
        """Return the residuals after the codewords of the first level of `codes: (B, L)`, `(B, D)`."""
        return self.vectors(items) - self.codewords[codes[:, 0]]

    def fit_codebooks(self, items: ItemBatch) -> None:
        """Cluster the fused vectors, take the mean item vector of each cluster, start the quantizer on the rest."""
        self.geo_encoder.fit(items.lat_deg, items.lon_deg)
        rows = training_rows(len(items), self.primary_codes, self.seed).to(items.item.device)
        self._fit_centres(items.take(rows))
        self.fit_mean(items)
        sums = torch.zeros_like(self.codewords, dtype=torch.float64)
        counts = torch.zeros(self.primary_codes, dtype=torch.int64, device=sums.device)
        for chunk in chunks(items):
            primary = self.primary(chunk)
            sums.index_add_(0, primary, self.vectors(chunk).double())
            counts += primary.bincount(minlength=self.primary_codes)
        self.codewords.copy_(sums / counts.clamp_min(1)[:, None])
        self.fit_quantizer(items)

    def _fit_centres(self, items: ItemBatch) -> None:
        """Cluster sketches of the fused vectors, and where these are not the vectors, go on with the vectors."""
        widest = max(SKETCHED // len(items), 1)
        sketch = rows_of(
            torch.cat([self.position(chunk), self.attributes.sketch(chunk, widest)], dim=1) for chunk in chunks(items)
        )
        centres = kmeans_centroids(sketch, self.primary_codes, self.seed)
        if sketch.shape[1] == self.centres.shape[1]:
            self.centres.copy_(centres)
            return
        codes = rows_of(nearest(part, centres) for part in torch.split(sketch, CHUNK))
        for _ in range(REFINEMENTS):
            self._take_means(items, codes)
            codes = rows_of(self.primary(chunk) for chunk in chunks(items))
        self._take_means(items, codes)

    def _take_means(self, items: ItemBatch, codes: Tensor) -> None:
        """Move each centre to the mean of the fused vectors with its code, `codes: (N,)`; one without stays."""
        counts = codes.bincount(minlength=self.primary_codes)[:, None]
        sums = torch.zeros_like(self.centres, dtype=torch.float64)
        width = self.position(items.cut(0, 0)).shape[1]
        for chunk, part in zip(chunks(items), torch.split(codes, CHUNK), strict=True):
            sums[:, :width].index_add_(0, part, self.position(chunk).double())
            sums[:, width:] += self.attributes.sums(chunk, part, self.primary_codes)
        self.centres.copy_(torch.where(counts > 0, sums / counts.clamp_min(1), self.centres.double()))

    @torch.no_grad()
    def distances(self, items: ItemBatch, codes: Tensor, level: int) -> Tensor:
        """Return distances to every code of `level`, `(B, K)`: of fused vectors at level 0, of residuals below."""
        if level == 0:
            return self.primary_distances(items)
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
