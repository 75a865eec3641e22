"""k-means centroids from scikit-learn, also where there are fewer points than centroids."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from sklearn.cluster import MiniBatchKMeans
from torch import Tensor

BATCH_SIZE = 1024
PATIENCE = 30
FEW = 20_000


def kmeans_centroids(x: Tensor, n_centroids: int, seed: int, n_init: int = 1, max_iter: int = 20) -> Tensor:
    """Return k-means centroids of `x: (N, D)`, as `(n_centroids, D)` on the device and of the dtype of `x`.

    Where `x` has fewer distinct rows than centroids, each row is a centroid and the others are copies of these
    moved a little at random, so that no two centroids are equal and none lies outside the data.

    Args:
        x: The points, in an order that is always the same.
        n_centroids: K.
        seed: Random seed for the initialization; the same seed and points give the same centroids.
        n_init: Number of initializations; the best one is kept.
        max_iter: Maximum number of passes over the points.

    Source: `sklearn.cluster.MiniBatchKMeans` (Sculley, 2010).
    """
    points = x.detach().cpu().float().numpy()
    distinct = np.unique(points, axis=0) if len(points) < FEW else points
    if len(distinct) > n_centroids:
        model = MiniBatchKMeans(n_centroids, random_state=seed, n_init=n_init, batch_size=BATCH_SIZE, max_iter=max_iter)
        centroids = np.asarray(model.fit(points).cluster_centers_)
    else:
        centroids = fill_centroids(distinct, n_centroids, seed)
    return torch.from_numpy(centroids).to(x)


def fill_centroids(distinct: npt.NDArray[np.float32], n_centroids: int, seed: int) -> npt.NDArray[np.float32]:
    """Repeat distinct points until there are `n_centroids`, every repetition moved by 5 % of the spread."""
    spread = float(distinct.std()) or 1.0
    filled = np.resize(distinct, (n_centroids, distinct.shape[1]))
    noise = np.random.default_rng(seed).normal(scale=0.05 * spread, size=filled.shape)
    noise[: len(distinct)] = 0.0
    return np.asarray(filled + noise, dtype=np.float32)
