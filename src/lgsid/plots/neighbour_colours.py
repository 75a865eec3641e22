"""Few colours for many groups on a map, so that groups beside each other differ."""

from __future__ import annotations

import heapq

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree


def neighbour_colours(
    xy_km: npt.NDArray[np.float64], groups: npt.NDArray[np.int64], n_colours: int
) -> npt.NDArray[np.int64]:
    """Give each group one of few colours such that no group shares its colour with the groups nearest to it.

    The neighbours of a group are the `(n_colours - 1) // 2 = m` groups with the nearest centres. That graph has at most
    m edges a group, in every part of it, so taking away one group of the fewest neighbours after another never meets
    one with more than 2m: coloured in the opposite order, each group finds a free colour ("smallest last", Matula and
    Beck 1983). Of the free colours a group takes the one whose last use is farthest away.

    Args:
        xy_km: Places, shape (N, 2).
        groups: Group of each place, shape (N,), any integers.
        n_colours: Number of colours, at least 1.

    Returns:
        The colour of each place, shape (N,), `0 <= colour < n_colours`. Places of one group have one colour.
    """
    labels, member = np.unique(groups, return_inverse=True)
    centres = group_centres(xy_km, member, len(labels))
    neighbours = centre_neighbours(centres, (n_colours - 1) // 2)
    colours = np.full(len(labels), -1, dtype=np.int64)
    for group in reversed(smallest_last(neighbours)):
        taken = {int(colours[other]) for other in neighbours[group]}
        free = [colour for colour in range(n_colours) if colour not in taken] or list(range(n_colours))
        colours[group] = farthest_reuse(centres, colours, group, free)
    return np.asarray(colours[member])


def group_centres(
    xy_km: npt.NDArray[np.float64], member: npt.NDArray[np.int64], n_groups: int
) -> npt.NDArray[np.float64]:
    """Return the mean position of each group, shape (G, 2). `member` (N,) numbers the groups from 0."""
    sums = np.stack([np.bincount(member, weights=xy_km[:, axis], minlength=n_groups) for axis in (0, 1)], axis=1)
    return np.asarray(sums / np.bincount(member, minlength=n_groups)[:, None])


def centre_neighbours(centres: npt.NDArray[np.float64], m: int) -> list[set[int]]:
    """Return, for each of G centres, those among its m nearest and those among whose m nearest it is."""
    count = len(centres)
    links: list[set[int]] = [set() for _ in range(count)]
    k = min(m + 1, count)
    if k < 2:
        return links
    _, nearest = cKDTree(centres).query(centres, k=k)
    for group, row in enumerate(nearest.tolist()):
        for other in [n for n in row if n != group][:m]:
            links[group].add(other)
            links[other].add(group)
    return links


def smallest_last(neighbours: list[set[int]]) -> list[int]:
    """Return the order that takes away one group of the fewest remaining neighbours after another."""
    degree = [len(others) for others in neighbours]
    heap = [(count, group) for group, count in enumerate(degree)]
    heapq.heapify(heap)
    gone = [False] * len(neighbours)
    order: list[int] = []
    while heap:
        count, group = heapq.heappop(heap)
        if gone[group] or count != degree[group]:
            continue
        gone[group] = True
        order.append(group)
        for other in neighbours[group]:
            if not gone[other]:
                degree[other] -= 1
                heapq.heappush(heap, (degree[other], other))
    return order


def farthest_reuse(
    centres: npt.NDArray[np.float64], colours: npt.NDArray[np.int64], group: int, free: list[int]
) -> int:
    """Return the colour of `free` that no coloured group has, or whose nearest user is farthest from `group`."""
    used = np.flatnonzero(colours >= 0)
    away = np.linalg.norm(centres[used] - centres[group], axis=1)
    nearest = np.full(int(max(free)) + 1, np.inf)
    known = colours[used] <= max(free)
    np.minimum.at(nearest, colours[used][known], away[known])
    return max(free, key=lambda colour: (nearest[colour], -colour))
