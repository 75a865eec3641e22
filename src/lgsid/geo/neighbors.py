"""Exact nearest places on the sphere."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from lgsid.functional.distances import chord_to_m, unit_vectors


def nearest_places(
    lat_deg: npt.ArrayLike,
    lon_deg: npt.ArrayLike,
    k: int,
    query_lat_deg: npt.ArrayLike | None = None,
    query_lon_deg: npt.ArrayLike | None = None,
    workers: int = 1,
    n_queries: int | None = None,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return the k nearest neighbors among N places of each query, nearest first.

    A k-d tree over float64 unit vectors: the order of chords is the order of great circles, so the answer is exact,
    also across the date line and at the poles. Queries are visited in the order of the tree's leaves, which keeps
    its nodes in the processor's cache.

    Args:
        lat_deg: Shape (N,).
        lon_deg: Shape (N,).
        k: Number of neighbors; at most N, or N - 1 without queries.
        query_lat_deg: Shape (Q,); None for the places themselves, none of which is then its own neighbor.
        query_lon_deg: Shape (Q,).
        workers: Number of threads.
        n_queries: Without queries, the first so many places are those whose neighbors are searched among all; all
            places if none.

    Returns:
        Rows of the neighbors, int64, and their great-circle distances in meters, float64, each of shape (Q, k).
    """
    points = unit_vectors(lat_deg, lon_deg)
    tree = cKDTree(points)
    itself = query_lat_deg is None or query_lon_deg is None
    queries = points[:n_queries] if itself else unit_vectors(query_lat_deg, query_lon_deg)  # type: ignore[arg-type]
    k = max(min(k, len(points) - itself), 0)
    if k == 0 or not len(queries):
        return np.empty((len(queries), k), np.int64), np.empty((len(queries), k))
    order = np.asarray(tree.indices, np.int64) if itself else _local_order(queries)
    order = order[order < len(queries)]
    chord, rows = tree.query(queries[order], k=np.arange(1, k + itself + 1), workers=workers)
    chord, rows = chord.reshape(len(order), -1), rows.reshape(len(order), -1).astype(np.int64)
    if itself:
        chord, rows = _without_itself(chord, rows, order)
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return rows[back], chord_to_m(chord[back])


def nearest_in_groups(
    lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike, group: npt.NDArray[np.int64], k: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the nearest neighbors of each of N places among those of its group, nearest first.

    Args:
        lat_deg: Shape (N,).
        lon_deg: Shape (N,).
        group: Group of each place, 0 .. G - 1, shape (N,).
        k: Number of neighbors that the places of each group get, at most its size less one, shape (G,).

    Returns:
        Rows of the neighbors, int64, shape (N, K), K the largest number, -1 behind the last one; and their number at
        each place, (N,).
    """
    lat, lon = np.asarray(lat_deg), np.asarray(lon_deg)
    sizes = np.bincount(group, minlength=len(k))
    count = np.clip(k, 0, np.maximum(sizes - 1, 0))
    nearest = np.full((len(group), max(int(count.max(initial=0)), 1)), -1, np.int64)
    for rows in np.split(np.argsort(group, kind="stable"), np.cumsum(sizes)[:-1]):
        wanted = int(count[group[rows[0]]]) if len(rows) else 0
        if wanted:
            nearest[rows, :wanted] = rows[nearest_places(lat[rows], lon[rows], wanted)[0]]
    return nearest, count[group]


def _local_order(queries: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Return an order of the queries in which successive ones are near each other."""
    return np.asarray(cKDTree(queries, balanced_tree=False).indices, np.int64)


def _without_itself(
    chord: npt.NDArray[np.float64], rows: npt.NDArray[np.int64], own: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Drop each query's own row, or its last neighbor where many places share a position and its own row is missing."""
    drop = rows == own[:, None]
    drop[~drop.any(axis=1), -1] = True
    shape = (len(rows), rows.shape[1] - 1)
    return chord[~drop].reshape(shape), rows[~drop].reshape(shape)
