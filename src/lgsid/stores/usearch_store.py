"""Places in an index of usearch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lgsid.errors import LgsidError
from lgsid.stores.index_store import PLACES, IndexStore
from lgsid.stores.vector_store import library

INDEX = "index.usearch"


class UsearchStore(IndexStore):
    """A graph of neighbors (HNSW) of usearch, by cosine, in float32; key n is row n of `places.parquet`.

    A search follows the graph and may miss some of the nearest: wider expansions find more and take longer.

    Source: Malkov and Yashunin 2018, arXiv 1603.09320.

    Args:
        connectivity: Neighbors that each vector keeps in the graph.
        expansion_add: Candidates looked at when a vector is added.
        expansion_search: Candidates looked at in a search; at least as many as are asked for.
    """

    files = (INDEX, PLACES)
    index_file = INDEX

    def __init__(self, connectivity: int = 16, expansion_add: int = 128, expansion_search: int = 64) -> None:
        if min(connectivity, expansion_add, expansion_search) < 1:
            raise LgsidError(
                "UsearchStore: connectivity, expansion_add and expansion_search must be at least 1, not"
                f" {connectivity}, {expansion_add} and {expansion_search}"
            )
        self.connectivity, self.expansion_add, self.expansion_search = connectivity, expansion_add, expansion_search

    def write_index(self, vectors: npt.NDArray[np.float32], path: Path) -> None:
        """Write the graph, built on one thread, so that the same vectors give the same."""
        index = usearch().Index(
            ndim=vectors.shape[1],
            metric="cos",
            dtype="f32",
            connectivity=self.connectivity,
            expansion_add=self.expansion_add,
            expansion_search=self.expansion_search,
        )
        index.add(np.arange(len(vectors), dtype=np.uint64), vectors, threads=1)
        index.save(str(path))

    def search_index(
        self, path: Path, queries: npt.NDArray[np.float32], k: int
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Return rows and cosines of the k nearest, see `IndexStore.search_index`."""
        index = usearch().Index.restore(str(path))
        index.expansion_search = max(self.expansion_search, k)
        found = index.search(queries, k)
        shape = (len(queries), k)
        return found.keys.reshape(shape).astype(np.int64), 1 - found.distances.reshape(shape).astype(np.float32)


def usearch() -> Any:
    """Import the index of usearch."""
    return library("usearch.index", "usearch", "usearch", UsearchStore.__name__)
