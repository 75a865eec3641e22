"""Pull codewords of a level into clusters of equal size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lgsid.errors import LgsidError
from lgsid.functional.capacity import place_at_least_cost
from lgsid.functional.residual import squared_distances
from lgsid.quantizers.codebook_loss import CodebookLoss
from lgsid.quantizers.kmeans import kmeans_centroids

PASSES = 5


class ClusterPull(CodebookLoss):
    """Let each item's codeword resemble those of its cluster of codewords, and no others of the level.

    `-(1/B) sum_i mean_{j in C(i)} log(exp(e_i . e_j / tau) / sum_{k != i} exp(e_i . e_k / tau))`: `e_i` is the codeword
    of item i, `C(i)` the other codewords of its cluster. The clusters are of equal size, so that no region of the space
    holds most codes. Codewords that are alone in their cluster are left out.

    Source: the diversity loss of LETTER (arXiv 2405.07314), with constrained k-means of the codewords. The paper draws
    one codeword of the cluster at random; the mean over all of them is the same in expectation, and repeats exactly.

    Args:
        n_clusters: Number of clusters of each level.
        temperature: tau.
        refresh: Number of calls after which the codewords are clustered again.
    """

    calls: Tensor
    labels: Tensor

    def __init__(self, n_clusters: int = 10, temperature: float = 1.0, refresh: int = 20) -> None:
        super().__init__()
        if n_clusters < 1 or refresh < 1 or not temperature > 0:
            raise LgsidError(
                "ClusterPull: n_clusters and refresh must be at least 1 and temperature positive, not"
                f" {n_clusters}, {refresh}, {temperature}"
            )
        self.n_clusters, self.temperature, self.refresh = n_clusters, temperature, refresh
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))
        self.register_buffer("labels", torch.zeros(0, dtype=torch.int64))

    def forward(self, residuals: Sequence[Tensor], codebooks: Sequence[Tensor], codes: Tensor) -> Tensor:
        """Return the mean over the levels; the clusters are those of the last refreshment."""
        sizes, labels = [len(book) for book in codebooks], self.labels
        if len(labels) != sum(sizes) or (self.training and int(self.calls) % self.refresh == 0):
            with torch.autocast(codebooks[0].device.type, enabled=False):
                labels = torch.cat([balanced_clusters(book.detach().float(), self.n_clusters) for book in codebooks])
        if self.training:
            self.labels = labels
            self.calls += 1
        parts = [
            pull(book, own, codes[:, level], self.temperature)
            for level, (book, own) in enumerate(zip(codebooks, torch.split(labels, sizes), strict=True))
        ]
        return torch.stack(parts).mean()

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        """Make room for the clusters of as many codewords as the checkpoint has."""
        kept = state_dict.get(f"{prefix}labels")
        if kept is not None:
            self.labels = torch.empty_like(kept, device=self.labels.device)
        super()._load_from_state_dict(state_dict, prefix, *args)


def pull(codebook: Tensor, labels: Tensor, codes: Tensor, temperature: float) -> Tensor:
    """Return the loss of one level: `codebook: (K, D)`, its clusters `labels: (K,)`, the `codes: (B,)` of items."""
    own = torch.eye(len(codebook), dtype=torch.bool, device=codebook.device)
    mates = (labels[:, None] == labels) & ~own
    scores = codebook @ codebook.T / temperature
    scores = scores.masked_fill(own, torch.finfo(scores.dtype).min)
    costs = -scores.log_softmax(dim=1).masked_fill(~mates, 0.0).sum(dim=1) / mates.sum(dim=1).clamp_min(1)
    return costs[codes].mean()


def balanced_clusters(x: Tensor, n_clusters: int, seed: int = 0) -> Tensor:
    """Return the cluster `(K,)` of each of `x: (K, D)`, none with more than `ceil(K / n_clusters)` members.

    k-means whose assignment is the one of least total cost with room for so many in each cluster (Bradley, Bennett and
    Demiriz, 2000).
    """
    n_clusters = min(n_clusters, len(x))
    room = np.full(n_clusters, -(-len(x) // n_clusters), dtype=np.int64)
    centroids, labels = kmeans_centroids(x, n_clusters, seed), torch.zeros(len(x), dtype=torch.int64, device=x.device)
    for _ in range(PASSES):
        costs = squared_distances(x, centroids).cpu().numpy()
        found = torch.from_numpy(place_at_least_cost(costs.__getitem__, len(x), room)).to(x.device)
        if torch.equal(found, labels):
            break
        labels, counts = found, found.bincount(minlength=n_clusters)[:, None]
        sums = torch.zeros_like(centroids).index_add_(0, labels, x)
        centroids = torch.where(counts > 0, sums / counts.clamp_min(1), centroids)
    return labels
