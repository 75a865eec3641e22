"""Tokenizer of semantic codes and a last code of residuals turned by where a place lies in its cluster."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from lgsid.errors import LgsidError
from lgsid.functional.distances import bearing_rad, haversine_m
from lgsid.functional.residual import nearest, squared_distances
from lgsid.geo.mean_positions import mean_positions
from lgsid.quantizers.cosine_rqkmeans import CosineRQKMeans
from lgsid.quantizers.kmeans import kmeans_centroids
from lgsid.quantizers.quantizer import Quantizer
from lgsid.tokenizers.collision_strategy import CollisionStrategy
from lgsid.tokenizers.embedding_tokenizer import EmbeddingTokenizer, chunks, fitted_sample, rows_of
from lgsid.typing import DataShape, ItemBatch

AT_CENTER_M = 1.0  # nearer than this, a place is at the center and has no bearing: rounding would decide on it


class GeoRotaryTokenizer(EmbeddingTokenizer):
    """Quantize item vectors, then cluster what is left over, turned by distance and bearing from the cluster's center.

    Levels 1 to L - 1: residual k-means by cosine. For each item, `d` is the distance and `theta` the bearing from the
    mean position of the items with its first code(s). The residual's pairs of coordinates are turned, the even pairs by
    `pi omega_j d / s`, the odd ones by `theta`; level L is the nearest of k-means centroids of the turned residuals. So
    two places of a kind have the same last code only if they lie alike around its center.

    Source: Pro-GEO (arXiv 2604.23156): residual k-means by cosine, coordinates around the cluster's center, rotary
    encoding of them on the residual, two standard codebooks and a geographic one. Which pairs turn by what, the
    frequencies `omega_j = base^(-j / J)` of the J even pairs, the unit s (root mean square of d) and which codes name
    the cluster are our reading.

    Args:
        codebook_sizes: Number of codes of each level, the geographic one last.
        quantizer: Quantizer of all levels but the last, fitted without a gradient; `CosineRQKMeans` if not given.
        center_levels: How many first codes name the cluster whose center the coordinates start from.
        base: Ratio of the highest frequency to about the lowest; at 1 all even pairs turn alike.
        normalize: Scale every item vector to unit length before centering.
        collisions: Strategy for items that share all codes; `NearestFreeCode` if not given.
        seed: Random seed for the k-means of the last level.
    """

    centers_deg: Tensor
    scale_m: Tensor
    centroids: Tensor

    def __init__(
        self,
        codebook_sizes: Sequence[int] = (128, 64, 64),
        quantizer: Quantizer | None = None,
        center_levels: int = 1,
        base: float = 1.0,
        normalize: bool = True,
        collisions: CollisionStrategy | None = None,
        seed: int = 0,
    ) -> None:
        if not 1 <= center_levels < len(codebook_sizes):
            raise LgsidError(
                f"GeoRotaryTokenizer: center_levels must be from 1 to below the number of levels, got {center_levels}"
                f" and codebook_sizes {list(codebook_sizes)}"
            )
        if not 1 <= base < math.inf:
            raise LgsidError(f"GeoRotaryTokenizer: base must be a number from 1 up, got {base}")
        super().__init__(quantizer or CosineRQKMeans(), codebook_sizes[:-1], normalize, collisions)
        self.save_hyperparameters()
        self.geo_codes = int(codebook_sizes[-1])
        self.center_levels, self.base, self.seed = center_levels, base, seed

    @property
    def codebook_sizes(self) -> tuple[int, ...]:
        """Codes of each level: those of the quantizer, then the geographic one."""
        return (*self.quantizer.codebook_sizes, self.geo_codes)

    def build(self, shape: DataShape) -> None:
        """Create the quantizer's codebooks, the centers of clusters and the centroids of the last level.

        Raises:
            LgsidError: if the quantizer goes on learning after it was fitted.
        """
        super().build(shape)
        if any(p.requires_grad for p in self.quantizer.parameters()):
            raise LgsidError(
                f"GeoRotaryTokenizer: {type(self.quantizer).__name__} learns by gradient, but the last level is fitted"
                " on what a finished quantizer leaves; give one that does not, such as CosineRQKMeans"
            )
        n_clusters = math.prod(self.quantizer.codebook_sizes[: self.center_levels])
        self.register_buffer("centers_deg", torch.zeros(n_clusters, 2, dtype=torch.float64))
        self.register_buffer("scale_m", torch.ones((), dtype=torch.float64))
        self.register_buffer("centroids", torch.zeros(self.geo_codes, shape.embedding_dim))

    def clusters(self, codes: Tensor) -> Tensor:
        """Return the number of the cluster that the first of `codes: (B, L)` name, `(B,)`."""
        number = codes[:, 0]
        for level in range(1, self.center_levels):
            number = number * self.quantizer.codebook_sizes[level] + codes[:, level]
        return number

    def local_polar(self, items: ItemBatch, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Return distances in meters and bearings in radians of items from their cluster's center, `(B,)` each."""
        lat, lon = self.centers_deg[self.clusters(codes)].unbind(dim=1)
        distance_m = haversine_m(lat, lon, items.lat_deg, items.lon_deg)
        bearing = bearing_rad(lat, lon, items.lat_deg, items.lon_deg)
        return distance_m, torch.where(distance_m < AT_CENTER_M, 0.0, bearing)

    def turned(self, items: ItemBatch, codes: Tensor) -> Tensor:
        """Return what the semantic levels of `codes: (B, L)` leave of items, turned by local positions, `(B, D)`."""
        semantic = codes[:, : len(self.quantizer.codebook_sizes)]
        residual = self.vectors(items) - self.quantizer.decode(semantic)
        distance_m, bearing = self.local_polar(items, codes)
        return rotate(residual, rotary_angles(distance_m / self.scale_m, bearing, residual.shape[1] // 2, self.base))

    def fit_codebooks(self, items: ItemBatch) -> None:
        """Fit the quantizer, take the mean position of each cluster, and cluster the turned residuals."""
        super().fit_codebooks(items)
        codes = rows_of(self.quantizer.encode(self.vectors(chunk)) for chunk in chunks(items))
        numbers = self.clusters(codes)
        self.centers_deg.copy_(mean_positions(items.lat_deg, items.lon_deg, numbers, len(self.centers_deg)))
        self.scale_m.copy_(self.local_polar(items, codes)[0].square().mean().sqrt().clamp_min(1.0))
        sample = fitted_sample(items, self.seed)
        turned = rows_of(self.turned(part, self.quantizer.encode(self.vectors(part))) for part in chunks(sample))
        self.centroids.copy_(kmeans_centroids(turned, self.geo_codes, self.seed))

    def training_step(self, batch: ItemBatch, batch_idx: int) -> None:
        """Learn nothing more: the codebooks were fitted."""

    def _encode_chunk(self, items: ItemBatch) -> Tensor:
        codes = self.quantizer.encode(self.vectors(items))
        return torch.cat([codes, nearest(self.turned(items, codes), self.centroids)[:, None]], dim=1)

    @torch.no_grad()
    def distances(self, items: ItemBatch, codes: Tensor, level: int) -> Tensor:
        """Return the quantizer's distances to every code of `level`, of the turned residuals at the last, `(B, K)`."""
        if level < len(self.quantizer.codebook_sizes):
            return self.quantizer.distances(self.vectors(items), codes, level)
        return squared_distances(self.turned(items, codes), self.centroids)

    def rebuild(self, codes: Tensor) -> Tensor:
        """Return the centered vectors that the semantic levels stand for: turning back would take the position."""
        return self.quantizer.decode(codes[:, : len(self.quantizer.codebook_sizes)])


def rotary_angles(distance: Tensor, bearing: Tensor, n_pairs: int, base: float) -> Tensor:
    """Return the angle of each pair, `(B, n_pairs)`: of even pairs by `distance: (B,)`, of odd ones `bearing: (B,)`."""
    n_even = (n_pairs + 1) // 2
    frequencies = base ** (-torch.arange(n_even, dtype=torch.float64, device=distance.device) / max(n_even, 1))
    angles = bearing.double()[:, None].repeat(1, n_pairs)
    angles[:, ::2] = math.pi * distance.double()[:, None] * frequencies
    return angles


def rotate(x: Tensor, angles: Tensor) -> Tensor:
    """Turn the pairs (0, 1), (2, 3) ... of coordinates of `x: (B, D)` by `angles: (B, D // 2)`; an odd one stays."""
    pairs = x[:, : 2 * angles.shape[1]].reshape(len(x), -1, 2)
    cos, sin = angles.cos().to(x), angles.sin().to(x)
    turned = torch.stack([pairs[..., 0] * cos - pairs[..., 1] * sin, pairs[..., 0] * sin + pairs[..., 1] * cos], dim=-1)
    return torch.cat([turned.flatten(1), x[:, 2 * angles.shape[1] :]], dim=1)
