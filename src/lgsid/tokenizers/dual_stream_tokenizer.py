"""Tokenizer of two streams: geographic codes of the position, semantic codes of what geography does not explain."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor

from lgsid.errors import LgsidError
from lgsid.geo.fourier_geo_encoder import FourierGeoEncoder
from lgsid.geo.geo_encoder import GeoEncoder
from lgsid.quantizers.quantizer import Quantizer
from lgsid.quantizers.rqkmeans import RQKMeans
from lgsid.tokenizers.attribute_encoders import AttributeEncoder, OneHotAttributes
from lgsid.tokenizers.collision_strategy import CollisionStrategy
from lgsid.tokenizers.embedding_tokenizer import EmbeddingTokenizer, chunks, fitted_sample, rows_of
from lgsid.tokenizers.hier_tokenizer import empty_items
from lgsid.typing import DataShape, ItemBatch


class DualStreamTokenizer(EmbeddingTokenizer):
    """Quantize position and regions into the first codes, and the rest of the item vector into the others, apart.

    The first levels are residual codes of `g = [position, regions]`, coarse to fine. The others are residual codes of
    `x - g W`, the item vector less what a ridge regression on `g` tells of it, so that they do not repeat the
    geography; they depend on no geographic code, and a semantic code means the same everywhere.

    Source: LGRID (arXiv 2607.27944), of which the abstract and digests are known: geographic and semantic slots kept
    apart, region levels coarse to fine, each stream quantized residually into two codes. There a language model fills
    the slots and is trained to; the regression, and what a stream sees, are our reading.

    Args:
        codebook_sizes: Number of codes of each level, the geographic ones first.
        geo_levels: How many of them are geographic.
        geo_quantizer: Quantizer of the geographic levels, fitted without a gradient; `RQKMeans` if not given.
        quantizer: Quantizer of the semantic levels; `RQKMeans` if not given.
        geo_encoder: Encoder of positions; `FourierGeoEncoder` if not given.
        attributes: Encoder of regions; `OneHotAttributes` of the regions alone if not given.
        ridge: Penalty of the regression, as a share of the mean square of `g`; the larger, the more geography stays in
            the semantic stream.
        normalize: Scale every item vector to unit length before centering.
        collisions: Strategy for items that share all codes; `NearestFreeCode` if not given.
        optimizer: Optimizer for the semantic quantizer, if it has parameters.
    """

    geo_mean: Tensor
    explained: Tensor

    def __init__(
        self,
        codebook_sizes: Sequence[int] = (32, 16, 64, 64),
        geo_levels: int = 2,
        geo_quantizer: Quantizer | None = None,
        quantizer: Quantizer | None = None,
        geo_encoder: GeoEncoder | None = None,
        attributes: AttributeEncoder | None = None,
        ridge: float = 0.01,
        normalize: bool = True,
        collisions: CollisionStrategy | None = None,
        optimizer: OptimizerCallable = lambda p: torch.optim.AdamW(p, lr=1e-3),
    ) -> None:
        if not 1 <= geo_levels < len(codebook_sizes):
            raise LgsidError(
                f"DualStreamTokenizer: geo_levels must be from 1 to below the number of levels, got {geo_levels} and"
                f" codebook_sizes {list(codebook_sizes)}"
            )
        if not ridge > 0:
            raise LgsidError(f"DualStreamTokenizer: ridge must be positive, got {ridge}")
        super().__init__(quantizer or RQKMeans(), codebook_sizes[geo_levels:], normalize, collisions, optimizer)
        self.save_hyperparameters()
        self.geo_quantizer = geo_quantizer or RQKMeans()
        self.geo_quantizer.take_codebook_sizes(codebook_sizes[:geo_levels])
        self.geo_encoder = geo_encoder or FourierGeoEncoder()
        self.attributes = attributes or OneHotAttributes(0.5, 0.0, 0.0, 0.0)
        self.geo_levels, self.ridge = geo_levels, ridge

    @property
    def codebook_sizes(self) -> tuple[int, ...]:
        """Codes of each level: the geographic ones, then the semantic ones."""
        return (*self.geo_quantizer.codebook_sizes, *self.quantizer.codebook_sizes)

    def build(self, shape: DataShape) -> None:
        """Create both streams' codebooks and the regression.

        Raises:
            LgsidError: if the geographic quantizer goes on learning after it was fitted.
        """
        super().build(shape)
        self.attributes.build(shape)
        width = self.streamed(empty_items(shape)).shape[1]
        self.geo_quantizer.build(width)
        if any(p.requires_grad for p in self.geo_quantizer.parameters()):
            raise LgsidError(
                f"DualStreamTokenizer: geo_quantizer {type(self.geo_quantizer).__name__} learns by gradient, which"
                " nothing here gives it; give one that does not, such as RQKMeans"
            )
        self.register_buffer("geo_mean", torch.zeros(width))
        self.register_buffer("explained", torch.zeros(width, shape.embedding_dim))

    def streamed(self, items: ItemBatch) -> Tensor:
        """Return the vectors [position, regions] of items, `(B, G)`."""
        return torch.cat([self.geo_encoder(items.lat_deg, items.lon_deg), self.attributes(items)], dim=1)

    def geography(self, items: ItemBatch) -> Tensor:
        """Return the same, centered, `(B, G)`."""
        return self.streamed(items) - self.geo_mean

    def earlier_codes(self, items: ItemBatch) -> Tensor:
        """Return the geographic codes of items, `(B, geo_levels)` int64."""
        return self.geo_quantizer.encode(self.geography(items))

    def residual(self, items: ItemBatch, codes: Tensor) -> Tensor:
        """Return the semantic stream of items, `(B, D)`, whatever their geographic codes are."""
        return self.vectors(items) - self.geography(items) @ self.explained

    def fit_codebooks(self, items: ItemBatch) -> None:
        """Fit the geographic codes, regress the vectors on geography, and start the quantizer on what is left."""
        self.geo_encoder.fit(items.lat_deg, items.lon_deg)
        sample = fitted_sample(items, 0)
        self.geo_mean.copy_(rows_of(self.geography(chunk) for chunk in chunks(sample)).double().mean(dim=0))
        self.geo_quantizer.fit(rows_of(self.geography(chunk) for chunk in chunks(sample)))
        self.fit_mean(items)
        self.explained.copy_(self._regression(sample))
        self.fit_quantizer(items)

    def _regression(self, items: ItemBatch) -> Tensor:
        """Return the ridge regression of the vectors on geography, `(G, D)` float64."""
        width = len(self.geo_mean)
        square = torch.zeros(width, width, dtype=torch.float64, device=self.geo_mean.device)
        cross = torch.zeros(width, self.explained.shape[1], dtype=torch.float64, device=self.geo_mean.device)
        for chunk in chunks(items):
            geography = self.geography(chunk).double()
            square += geography.T @ geography
            cross += geography.T @ self.vectors(chunk).double()
        penalty = self.ridge * square.diagonal().mean().clamp_min(1e-12)
        square.diagonal().add_(penalty)
        solved: Tensor = torch.linalg.solve(square, cross)
        return solved

    @torch.no_grad()
    def distances(self, items: ItemBatch, codes: Tensor, level: int) -> Tensor:
        """Return distances to every code of `level` in its own stream, `(B, K)`."""
        if level < self.geo_levels:
            return self.geo_quantizer.distances(self.geography(items), codes[:, : self.geo_levels], level)
        return self.quantizer.distances(
            self.residual(items, codes), codes[:, self.geo_levels :], level - self.geo_levels
        )

    def rebuild(self, codes: Tensor) -> Tensor:
        """Return the centered vectors that `codes: (B, L)` stand for: what their geography explains, and the rest."""
        geography = self.geo_quantizer.decode(codes[:, : self.geo_levels])
        return geography @ self.explained + self.quantizer.decode(codes[:, self.geo_levels :])
