"""k-means centroids of item vectors: of a sample of many, and also where there are fewer points than centroids."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import normalize

from lgsid.errors import LgsidError
from lgsid.functional.kmeans import assign, kmeans
from lgsid.functional.residual import most_similar, nearest

POINTS_PER_CENTROID = 256


def residual_kmeans_centroids(
    x: Tensor, codebook_sizes: Sequence[int], seed: int, n_init: int = 1, max_iter: int = 20, cosine_levels: int = 0
) -> list[Tensor]:
    """Return the centroids of each level, L tensors `(K_l, D)`: of `x: (N, D)`, then of what is left over, and so on.

    The levels are those of `kmeans_centroids`, the first `cosine_levels` those of `spherical_centroids`, with the seeds
    `seed`, `seed + 1` and so on, all on the sample of the largest one, so that no level visits more points than that.
    """
    residual = x[training_rows(len(x), max(codebook_sizes), seed).to(x.device)]
    found = []
    for level, size in enumerate(codebook_sizes):
        fit, choose = (spherical_centroids, most_similar) if level < cosine_levels else (kmeans_centroids, nearest)
        found.append(fit(residual, size, seed + level, n_init, max_iter))
        if level + 1 < len(codebook_sizes):
            residual = residual - found[-1][choose(residual, found[-1])]
    return found


def spherical_centroids(x: Tensor, n_centroids: int, seed: int, n_init: int = 1, max_iter: int = 20) -> Tensor:
    """Return the means `(n_centroids, D)` of the clusters that k-means finds among the directions of `x: (N, D)`.

    A centroid of which no direction is the nearest keeps its direction, at the mean length of the vectors.

    Args:
        x: The points, in an order that is always the same.
        n_centroids: K.
        seed: Random seed for the initialization and the sample.
        n_init: Number of initializations; the best one is kept.
        max_iter: Maximum number of passes over the points after the initialization.

    Source: spherical k-means (Dhillon and Modha, Machine Learning 2001); that a centroid is the mean of the vectors,
    not of their directions, makes the residual as short as this clustering can.
    """
    directions = kmeans_centroids(normalize(x, dim=-1), n_centroids, seed, n_init, max_iter)
    codes = most_similar(x, directions)
    counts = codes.bincount(minlength=n_centroids)[:, None]
    sums = torch.zeros_like(directions, dtype=torch.float64).index_add_(0, codes, x.double())
    idle = normalize(directions, dim=-1).double() * x.double().norm(dim=-1).mean()
    return torch.where(counts > 0, sums / counts.clamp_min(1), idle).to(x)


def kmeans_centroids(x: Tensor, n_centroids: int, seed: int, n_init: int = 1, max_iter: int = 20) -> Tensor:
    """Return k-means centroids of `x: (N, D)`, as `(n_centroids, D)` on the device and of the dtype of `x`.

    Where `x` has fewer distinct rows than centroids, each row is a centroid and the others are copies of these
    moved a little at random, so that no two centroids are equal and none lies outside the data. Of more than 256 points
    for each centroid, a random sample of as many is used. It is computed on the CPU in float32.

    Args:
        x: The points, in an order that is always the same.
        n_centroids: K.
        seed: Random seed for the initialization and the sample; the same seed and points give the same centroids.
        n_init: Number of initializations; the best one is kept.
        max_iter: Maximum number of passes over the points after the initialization.

    Raises:
        LgsidError: if a point is not finite.

    Source: `lgsid.functional.kmeans`.
    """
    points = x.detach()[training_rows(len(x), n_centroids, seed).to(x.device)].cpu().float()
    if not bool(points.isfinite().all()):
        raise LgsidError("k-means: a vector is not finite; see which items have NaN or infinite vectors")
    distinct = distinct_rows(points.numpy(), n_centroids + 1)
    if len(distinct) <= n_centroids:
        return torch.from_numpy(fill_centroids(np.unique(distinct, axis=0), n_centroids, seed)).to(x)
    generator = np.random.default_rng(seed)
    found = [kmeans(points, n_centroids, generator, max_iter) for _ in range(n_init)]
    best = found[0] if n_init == 1 else min(found, key=lambda centroids: assign(points, centroids).inertia)
    return best.to(x)


def training_rows(n: int, n_centroids: int, seed: int) -> Tensor:
    """Return which of `n` points train K centroids: all of them, or a sorted random sample of 256 for each centroid."""
    if n <= POINTS_PER_CENTROID * n_centroids:
        return torch.arange(n)
    sample = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    return sample[: POINTS_PER_CENTROID * n_centroids].sort().values


def distinct_rows(points: npt.NDArray[np.float32], enough: int) -> npt.NDArray[np.float32]:
    """Return the distinct rows of `points: (N, D)`, or some of them if these are `enough`, by their bytes."""
    row = np.dtype((np.void, points.itemsize * points.shape[1]))
    for part in (points[: 2 * enough], points):
        without_sign_of_zero = np.ascontiguousarray(part + np.float32(0.0))
        first = np.unique(without_sign_of_zero.view(row).ravel(), return_index=True)[1]
        if len(first) >= enough:
            break
    return part[first]


def fill_centroids(distinct: npt.NDArray[np.float32], n_centroids: int, seed: int) -> npt.NDArray[np.float32]:
    """Repeat distinct points until there are `n_centroids`, every repetition moved by 5 % of the spread."""
    spread = float(distinct.std()) or 1.0
    filled = np.resize(distinct, (n_centroids, distinct.shape[1]))
    noise = np.random.default_rng(seed).normal(scale=0.05 * spread, size=filled.shape)
    noise[: len(distinct)] = 0.0
    return np.asarray(filled + noise, dtype=np.float32)
