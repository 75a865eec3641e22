"""Few colors for many groups on a map, so that groups beside each other differ."""

from __future__ import annotations

import heapq

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree


def neighbor_colors(
    xy_km: npt.NDArray[np.float64], groups: npt.NDArray[np.int64], n_colors: int
) -> npt.NDArray[np.int64]:
    """Give each group one of few colors such that no group shares its color with the groups nearest to it.

    The neighbors of a group are the `(n_colors - 1) // 2 = m` groups with the nearest centers. That graph has at most
    m edges a group, in every part of it, so taking away one group of the fewest neighbors after another never meets
    one with more than 2m: colored in the opposite order, each group finds a free color ("smallest last", Matula and
    Beck 1983). Of the free colors a group takes the one whose last use is farthest away.

    Args:
        xy_km: Places, shape (N, 2).
        groups: Group of each place, shape (N,), any integers.
        n_colors: Number of colors, at least 1.

    Returns:
        The color of each place, shape (N,), `0 <= color < n_colors`. Places of one group have one color.
    """
    labels, member = np.unique(groups, return_inverse=True)
    centers = group_centers(xy_km, member, len(labels))
    neighbors = center_neighbors(centers, (n_colors - 1) // 2)
    colors = np.full(len(labels), -1, dtype=np.int64)
    for group in reversed(smallest_last(neighbors)):
        taken = {int(colors[other]) for other in neighbors[group]}
        free = [color for color in range(n_colors) if color not in taken] or list(range(n_colors))
        colors[group] = farthest_reuse(centers, colors, group, free)
    return np.asarray(colors[member])


def group_centers(
    xy_km: npt.NDArray[np.float64], member: npt.NDArray[np.int64], n_groups: int
) -> npt.NDArray[np.float64]:
    """Return the mean position of each group, shape (G, 2). `member` (N,) numbers the groups from 0."""
    sums = np.stack([np.bincount(member, weights=xy_km[:, axis], minlength=n_groups) for axis in (0, 1)], axis=1)
    return np.asarray(sums / np.bincount(member, minlength=n_groups)[:, None])


def center_neighbors(centers: npt.NDArray[np.float64], m: int) -> list[set[int]]:
    """Return, for each of G centers, those among its m nearest and those among whose m nearest it is."""
    count = len(centers)
    links: list[set[int]] = [set() for _ in range(count)]
    k = min(m + 1, count)
    if k < 2:
        return links
    _, nearest = cKDTree(centers).query(centers, k=k)
    for group, row in enumerate(nearest.tolist()):
        for other in [n for n in row if n != group][:m]:
            links[group].add(other)
            links[other].add(group)
    return links


def smallest_last(neighbors: list[set[int]]) -> list[int]:
    """Return the order that takes away one group of the fewest remaining neighbors after another."""
    degree = [len(others) for others in neighbors]
    heap = [(count, group) for group, count in enumerate(degree)]
    heapq.heapify(heap)
    gone = [False] * len(neighbors)
    order: list[int] = []
    while heap:
        count, group = heapq.heappop(heap)
        if gone[group] or count != degree[group]:
            continue
        gone[group] = True
        order.append(group)
        for other in neighbors[group]:
            if not gone[other]:
                degree[other] -= 1
                heapq.heappush(heap, (degree[other], other))
    return order


def farthest_reuse(centers: npt.NDArray[np.float64], colors: npt.NDArray[np.int64], group: int, free: list[int]) -> int:
    """Return the color of `free` that no colored group has, or whose nearest user is farthest from `group`."""
    used = np.flatnonzero(colors >= 0)
    away = np.linalg.norm(centers[used] - centers[group], axis=1)
    nearest = np.full(int(max(free)) + 1, np.inf)
    known = colors[used] <= max(free)
    np.minimum.at(nearest, colors[used][known], away[known])
    return max(free, key=lambda color: (nearest[color], -color))
