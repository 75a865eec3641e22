"""k-means as pure functions: assignment, Lloyd's iterations, and moving centroids to where they lower the error.

A sum here runs in the same order and in float64 whatever the number of threads, and scores are computed in blocks of a
fixed size, so that the same points and the same generator give the same centroids.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

SCORES = 1 << 20  # distances held at once: 4 MB
MAX_ROWS = 1024
SEARCH_POINTS = 64  # points per centroid while centroids are moved; all points take part in the last iterations
ROUNDS = 8
START_SCALE = 0.1
STEP = 0.1  # of the way from a centroid to one of its points, for a centroid added beside it


class Assignment(NamedTuple):
    """The nearest centroid of each of N points.

    Args:
        codes: (N,) int64.
        errors: (N,) squared distances to the nearest centroid.
        margins: (N,) how much farther, squared, the second nearest centroid is; 0 where there is only one.
    """

    codes: Tensor
    errors: Tensor
    margins: Tensor

    @property
    def inertia(self) -> float:
        """Sum of the squared distances."""
        return float(self.errors.numpy().sum(dtype=np.float64))


def block_rows(n_centroids: int) -> int:
    """Return how many points are compared with K centroids at once, for bounded memory."""
    return min(MAX_ROWS, max(64, SCORES // n_centroids))


def assign(x: Tensor, centroids: Tensor) -> Assignment:
    """Find the nearest of `centroids: (K, D)` for each of `x: (N, D)`, in the precision of `x`."""
    n, squares = len(x), centroids.square().sum(dim=1)
    found = Assignment(x.new_empty(n, dtype=torch.int64), x.new_empty(n), x.new_empty(n))
    rows = block_rows(len(centroids))
    for points, codes, errors, margins in zip(
        torch.split(x, rows), *(torch.split(part, rows) for part in found), strict=True
    ):
        scores = torch.addmm(squares, points, centroids.T, alpha=-2)
        index, best, second = two_least(scores)
        codes.copy_(index)
        errors.copy_((best + points.square().sum(dim=1)).clamp_min(0.0))
        margins.copy_(second - best if len(centroids) > 1 else torch.zeros_like(best))
    return found


def two_least(scores: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return where the first least score of each row is, its value, and the next larger or equal one, each `(B,)`.

    The scores `(B, K)` are overwritten. With one column the next one is infinite.
    """
    on_cpu = scores.device.type == "cpu"  # where numpy's argmin is the fastest by far
    index = torch.from_numpy(scores.numpy().argmin(axis=1)) if on_cpu else scores.argmin(dim=1)
    best = scores.gather(1, index[:, None])
    return index, best[:, 0], scores.scatter_(1, index[:, None], torch.inf).amin(dim=1)


def updated(x: Tensor, assignment: Assignment, centroids: Tensor) -> Tensor:
    """Return the mean of the points of each centroid, `(K, D)`; one without points goes to a point far from its own."""
    sums = torch.zeros_like(centroids, dtype=torch.float64)
    for points, codes in zip(torch.split(x, MAX_ROWS), torch.split(assignment.codes, MAX_ROWS), strict=True):
        sums.index_add_(0, codes, points.double())
    counts = assignment.codes.bincount(minlength=len(centroids))
    means = (sums / counts.clamp_min(1)[:, None]).to(centroids)
    idle = (counts == 0).nonzero()[:, 0]
    farthest = assignment.errors.argsort(descending=True, stable=True)[: len(idle)]
    means[idle[: len(farthest)]] = x[farthest]
    return means


def lloyd(x: Tensor, centroids: Tensor, max_iter: int, tolerance: float = 0.0) -> Tensor:
    """Repeat Lloyd's iteration until the inertia falls by less than the share `tolerance`, which it never rises.

    Args:
        x: (N, D) points.
        centroids: (K, D) to start from.
        max_iter: Maximum number of iterations.
        tolerance: Share of the inertia.
    """
    last = float("inf")
    for _ in range(max_iter):
        assignment = assign(x, centroids)
        if assignment.inertia >= last * (1.0 - tolerance):
            break
        last, centroids = assignment.inertia, updated(x, assignment, centroids)
    return centroids


def relocated(x: Tensor, centroids: Tensor, assignment: Assignment, generator: np.random.Generator) -> Tensor:
    """Add half as many centroids where the error is, and remove as many that are missed least.

    Points are drawn in proportion to their error, and each gets a centroid close to its own, in its direction. Those
    are removed whose points lose least by going to their second nearest centroid, in passes, since of two neighbors
    only one can go at once. So centroids leave single points and halves of a cluster for clusters that share one.

    Args:
        x: (N, D) points.
        centroids: (K, D).
        assignment: Of `x` to `centroids`.
        generator: Draws the points.
    """
    errors = assignment.errors.numpy().astype(np.float64).cumsum()
    added = max(1, len(centroids) // 2)
    places = (np.arange(added) + generator.random()) / added * errors[-1]
    drawn = torch.from_numpy(errors.searchsorted(places).clip(max=len(x) - 1))
    beside = centroids[assignment.codes[drawn]]
    more = lloyd(x, torch.cat([centroids, beside + STEP * (x[drawn] - beside)]), 1)
    while len(more) > len(centroids):
        last = assign(x, more)
        more = updated(x, last, more)[kept(last, more, len(more) - len(centroids))]
    return lloyd(x, more, 1)


def kept(assignment: Assignment, centroids: Tensor, excess: int) -> Tensor:
    """Return which of `centroids: (K, D)` to keep, in ascending order.

    Removed are those among the `excess` least missed ones that are missed less than their nearest neighbor, and the
    least missed one of all.
    """
    missed = np.bincount(assignment.codes.numpy(), assignment.margins.numpy(), minlength=len(centroids))
    order = np.lexsort((-np.arange(len(missed)), missed))
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    removed = (rank < excess) & (rank < rank[nearest_others(centroids).numpy()]) | (rank == 0)
    return torch.from_numpy(np.flatnonzero(~removed))


def nearest_others(centroids: Tensor) -> Tensor:
    """Return the centroid nearest to each of `centroids: (K, D)`, itself excluded, `(K,)` int64."""
    squares, rows = centroids.square().sum(dim=1), block_rows(len(centroids))
    found = []
    for start, block in zip(range(0, len(centroids), rows), torch.split(centroids, rows), strict=True):
        scores = torch.addmm(squares, block, centroids.T, alpha=-2)
        scores.diagonal(start).fill_(torch.inf)
        found.append(scores.argmin(dim=1))
    return torch.cat(found)


def kmeans(
    x: Tensor, n_centroids: int, generator: np.random.Generator, max_iter: int = 20, tolerance: float = 1e-3
) -> Tensor:
    """Return k-means centroids `(K, D)` of `x: (N, D)`, float32 on the CPU, with at least K distinct rows.

    The start is random points drawn close to the mean: they cut isotropic points into equal parts, where centroids on
    points (k-means++) keep one point each and leave all others to a single centroid. Rounds of relocation, as long as
    they help, then find the clusters that such a start misses. Lloyd's iterations on all points are last.

    Source: breathing k-means (arXiv 2006.15666) with another start and proportional draws.

    Args:
        x: The points.
        n_centroids: K.
        generator: Draws the start and the relocations.
        max_iter: Maximum number of the last iterations.
        tolerance: Share of the inertia by which an iteration has to lower it, else it is the last one; for a round of
            relocation, the share doubles with each.
    """
    mean = x.double().mean(dim=0).float()
    x = x - mean
    order = torch.from_numpy(generator.permutation(len(x)))
    few = x[order[: SEARCH_POINTS * n_centroids].sort().values]
    centroids = lloyd(few, START_SCALE * x[order[:n_centroids]], 1)
    assignment = assign(few, centroids)
    for done in range(ROUNDS):
        moved = relocated(few, centroids, assignment, generator)
        before, found = assignment.inertia, assign(few, moved)
        if found.inertia < before:
            centroids, assignment = moved, found
        if found.inertia >= before * (1.0 - tolerance * 2**done):
            break
    return lloyd(x, centroids, max_iter, tolerance) + mean
