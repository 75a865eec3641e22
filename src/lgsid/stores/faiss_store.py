"""Places in an index of faiss."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lgsid.errors import LgsidError
from lgsid.stores.index_store import PLACES, IndexStore
from lgsid.stores.place_vectors import unit
from lgsid.stores.vector_store import library

INDEX = "index.faiss"


class FaissStore(IndexStore):
    """An index of faiss over vectors of length one, by inner product; row n is row n of `places.parquet`.

    `Flat` compares with all and misses none; `HNSW32`, `IVF256,Flat` or `IVF256,PQ16` are smaller or faster and may
    miss some of the nearest.

    Source: Douze et al. 2024, arXiv 2401.08281.

    Args:
        factory: What `faiss.index_factory` makes.
    """

    files = (INDEX, PLACES)
    index_file = INDEX

    def __init__(self, factory: str = "Flat") -> None:
        if not factory:
            raise LgsidError("FaissStore: factory is empty; name an index, such as Flat or HNSW32")
        self.factory = factory

    def write_index(self, vectors: npt.NDArray[np.float32], path: Path) -> None:
        """Write the index, trained on all vectors where it is one that is trained.

        Raises:
            LgsidError: if faiss makes no such index of these vectors.
        """
        faiss = library("faiss", "faiss-cpu", "faiss", type(self).__name__)
        try:
            index: Any = faiss.index_factory(vectors.shape[1], self.factory, faiss.METRIC_INNER_PRODUCT)
            index.train(unit(vectors))
            index.add(unit(vectors))
        except RuntimeError as error:
            reason = next(iter(str(error).strip().splitlines()[-1:]), "")
            raise LgsidError(f"FaissStore: factory {self.factory!r} does not fit {vectors.shape} ({reason})") from error
        faiss.write_index(index, str(path))

    def search_index(
        self, path: Path, queries: npt.NDArray[np.float32], k: int
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Return rows and cosines of the k nearest, see `IndexStore.search_index`."""
        faiss = library("faiss", "faiss-cpu", "faiss", type(self).__name__)
        cosines, rows = faiss.read_index(str(path)).search(unit(queries), k)
        return rows.astype(np.int64), cosines
