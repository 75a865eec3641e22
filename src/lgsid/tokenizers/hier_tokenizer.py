"""Hierarchical geographic tokenizer: a first code of geography and attributes, residual codes of the text vector."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from operator import add
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
from lgsid.tokenizers.fused_part import DensePart, FusedPart
from lgsid.typing import DataShape, ItemBatch

SKETCHED = 2**25  # numbers in the vectors of a clustering; above, its start is found from sketches
REFINEMENTS = 4  # passes of Lloyd's algorithm after a start from sketches
COMPONENTS = 64  # principal components of the item vectors in the fused vector
TINY = 1e-12


class HierTokenizer(EmbeddingTokenizer):
    """Tokenize hierarchically: a primary code of position and attributes, then residual codes of the aligned vector.

    Level 1: k-means on the fused vector [geographic position, regions, category, brand] and, with `vector_weight`,
    the item vector; its codewords are the mean item vectors of the clusters. Levels 2 to L: a quantizer of the
    residuals. What the first code tells follows the weights: k-means cuts along the part that varies most.

    Source: LGSID (arXiv 2511.14221), hierarchical geographic item tokenization. The weights of the parts of the
    fused vector, the form of the position encoding and the codebook sizes are our reading (`docs/method.md`).

    Args:
        codebook_sizes: Number of codes of each level, the primary one first; give it more codes than the others.
        quantizer: Quantizer of levels 2 to L; `ResidualCentroids` if not given.
        geo_encoder: Encoder of positions; `FourierGeoEncoder` if not given.
        attributes: Encoder of regions, category and brand, with their weights; `OneHotAttributes` if not given.
        geo_weight: Weight of the position in the fused vector.
        vector_weight: Weight of the item vector (its first 64 principal components) in the fused vector: two random
            items are so far apart in it (root mean square). At 0 the first code does not see the vectors, and an
            alignment of the text encoder does not reach it.
        normalize: Scale every item vector to unit length before centering.
        collisions: Strategy for items that share all codes; `NearestFreeCode` if not given.
        seed: Random seed for the k-means of the first level.
        optimizer: Optimizer for the quantizer, if it has parameters.
    """

    centres: Tensor
    codewords: Tensor
    projection: Tensor

    def __init__(
        self,
        codebook_sizes: Sequence[int] = (128, 64, 64),
        quantizer: Quantizer | None = None,
        geo_encoder: GeoEncoder | None = None,
        attributes: AttributeEncoder | None = None,
        geo_weight: float = 1.0,
        vector_weight: float = 0.0,
        normalize: bool = True,
        collisions: CollisionStrategy | None = None,
        seed: int = 0,
        optimizer: OptimizerCallable = lambda p: torch.optim.AdamW(p, lr=1e-3),
    ) -> None:
        if len(codebook_sizes) < 2:
            raise LgsidError(f"HierTokenizer: needs at least two levels, got codebook_sizes {list(codebook_sizes)}")
        for name, weight in (("geo_weight", geo_weight), ("vector_weight", vector_weight)):
            if not 0 <= weight < math.inf:
                raise LgsidError(f"HierTokenizer: {name} must be a number from 0 up, got {weight}")
        super().__init__(quantizer or ResidualCentroids(), codebook_sizes[1:], normalize, collisions, optimizer)
        self.save_hyperparameters()
        self.primary_codes = int(codebook_sizes[0])
        self.geo_encoder = geo_encoder or FourierGeoEncoder()
        self.attributes = attributes or OneHotAttributes()
        self.geo_weight = geo_weight
        self.vector_weight = vector_weight
        self.seed = seed

    @property
    def codebook_sizes(self) -> tuple[int, ...]:
        """Codes of each level: the primary one, then those of the quantizer."""
        return (self.primary_codes, *self.quantizer.codebook_sizes)

    def build(self, shape: DataShape) -> None:
        """Create the clusters of the first level and the quantizer's codebooks."""
        super().build(shape)
        self.attributes.build(shape)
        if self.vector_weight:
            self.register_buffer("projection", torch.zeros(shape.embedding_dim, min(COMPONENTS, shape.embedding_dim)))
        width = self.fused(empty_items(shape)).shape[1]
        self.register_buffer("centres", torch.zeros(self.primary_codes, width))
        self.register_buffer("codewords", torch.zeros(self.primary_codes, shape.embedding_dim))

    @property
    def parts(self) -> tuple[FusedPart, ...]:
        """The parts of the fused vector: position, attributes and, with a weight, the item vector."""
        parts = (DensePart(self.position), self.attributes)
        return (*parts, DensePart(self.components)) if self.vector_weight else parts

    def fused(self, items: ItemBatch) -> Tensor:
        """Return the fused vectors [position, regions, category, brand, vector], each part by its weight, `(B, F)`."""
        return torch.cat([part(items) for part in self.parts], dim=1)

    def position(self, items: ItemBatch) -> Tensor:
        """Return the encoded positions by their weight, the first part of the fused vectors."""
        return self.geo_weight * cast(Tensor, self.geo_encoder(items.lat_deg, items.lon_deg))

    def components(self, items: ItemBatch) -> Tensor:
        """Return the principal components of the item vectors by their weight, the last part of the fused vectors."""
        return self.vectors(items) @ self.projection

    def part_widths(self, items: ItemBatch) -> list[int]:
        """Return the width of each part of the fused vectors."""
        return [part(items.cut(0, 0)).shape[1] for part in self.parts]

    def primary_distances(self, items: ItemBatch) -> Tensor:
        """Return squared distances of the fused vectors to the centres of the first level, `(B, K)` float64."""
        centres, parts = self.centres.double(), self.parts
        columns = torch.split(centres, self.part_widths(items), dim=1)
        cross = reduce(add, (part.products(items, rows) for part, rows in zip(parts, columns, strict=True)))
        squares = reduce(add, (part.squares(items) for part in parts))
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
        self.fit_mean(items)
        rows = training_rows(len(items), self.primary_codes, self.seed).to(items.item.device)
        sample = items.take(rows)
        if self.vector_weight:
            self._fit_projection(sample)
        self._fit_centres(sample)
        sums = torch.zeros_like(self.codewords, dtype=torch.float64)
        counts = torch.zeros(self.primary_codes, dtype=torch.int64, device=sums.device)
        for chunk in chunks(items):
            primary = self.primary(chunk)
            sums.index_add_(0, primary, self.vectors(chunk).double())
            counts += primary.bincount(minlength=self.primary_codes)
        self.codewords.copy_(sums / counts.clamp_min(1)[:, None])
        self.fit_quantizer(items)

    def _fit_projection(self, items: ItemBatch) -> None:
        """Take the first principal components, scaled so that two random items are `vector_weight` apart in them."""
        products = [vectors.T @ vectors for vectors in (self.vectors(chunk).double() for chunk in chunks(items))]
        variances, axes = torch.linalg.eigh(torch.stack(products).sum(dim=0) / len(items))  # from small to large
        width = self.projection.shape[1]
        apart = (2 * variances[-width:].sum()).clamp_min(TINY).sqrt()
        self.projection.copy_(axes[:, -width:] * (self.vector_weight / apart))

    def _fit_centres(self, items: ItemBatch) -> None:
        """Cluster sketches of the fused vectors, and where these are not the vectors, go on with the vectors."""
        widest = max(SKETCHED // len(items), 1)
        sketch = rows_of(
            torch.cat([part.sketch(chunk, widest) for part in self.parts], dim=1) for chunk in chunks(items)
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
        for chunk, codes_of_chunk in zip(chunks(items), torch.split(codes, CHUNK), strict=True):
            sums += torch.cat([part.sums(chunk, codes_of_chunk, self.primary_codes) for part in self.parts], dim=1)
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
