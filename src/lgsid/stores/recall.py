"""How many of the nearest places a store finds."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lgsid.stores.place_vectors import PlaceVectors, unit
from lgsid.stores.vector_store import VectorStore

QUERIES, K = 1000, 10
CLOSE = 1e-5  # cosines that differ by less are those of float32 in another order


def recall_at(store: VectorStore, places: PlaceVectors, folder: Path, k: int = K) -> tuple[float, int, int]:
    """Compare what a store finds with all cosines.

    Args:
        store: The store.
        places: What it was given.
        folder: Where it keeps them.
        k: How many of the nearest count.

    Returns:
        The share of the k nearest that are found, ties counted as found; the number of queries, places at even
        distances in the table; and k, at most the number of places.
    """
    k = min(k, len(places))
    rows = np.unique(np.linspace(0, len(places) - 1, QUERIES).astype(np.int64))
    cosines = store.search(folder, places.vectors[rows], k).cosines
    every = unit(places.vectors)
    best = np.empty((len(rows), k), dtype=np.float32)
    for start in range(0, len(rows), 64):
        some = unit(places.vectors[rows[start : start + 64]]) @ every.T  # (64, N)
        best[start : start + 64] = np.partition(some, -k, axis=1)[:, -k:]
    return float((cosines >= best.min(axis=1, keepdims=True) - CLOSE).mean()), len(rows), k
