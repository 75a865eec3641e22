"""Stores of a vector index, which knows rows only, and a table of what the rows are."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lgsid.artefacts import SemanticIDs
from lgsid.artefacts.tables import open_parquet, with_metadata, write_parquet
from lgsid.stores.place_vectors import Found, PlaceVectors
from lgsid.stores.vector_store import VectorStore

PLACES = "places.parquet"


class IndexStore(VectorStore):
    """An index over rows, and `places.parquet`: what row n of the index is, `item_id` and `level_1 .. level_L`.

    A subclass names the file of its index, writes it and searches in it.
    """

    index_file: ClassVar[str]
    """Name of the file of the index."""

    @abstractmethod
    def write_index(self, vectors: npt.NDArray[np.float32], path: Path) -> None:
        """Write an index of vectors (N, D)."""

    @abstractmethod
    def search_index(
        self, path: Path, queries: npt.NDArray[np.float32], k: int
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Return rows and cosines of the k nearest of queries (Q, D), shape (Q, k) each, nearest first; -1 is none."""

    def write(self, places: PlaceVectors, folder: Path) -> None:
        """Write the index and the table, see `VectorStore.write`."""
        self.write_index(np.ascontiguousarray(places.vectors, dtype=np.float32), folder / self.index_file)
        sids = places.own_sids()
        if sids is not None:
            sids.write(folder / PLACES)
        else:
            table = pa.table({"item_id": pa.array(places.ids.tolist(), pa.string())})
            write_parquet(with_metadata(table, {}), folder / PLACES)

    def search(self, folder: Path, queries: npt.NDArray[np.float32], k: int) -> Found:
        """Return the k nearest places of each query, see `VectorStore.search`."""
        ids = open_parquet(folder / PLACES, ("item_id",), "table of places")["item_id"].to_numpy().astype(object)
        k = min(k, len(ids))
        if not len(queries) or not k:
            return Found(np.empty((len(queries), k), dtype=object), np.empty((len(queries), k), dtype=np.float32))
        asked = np.ascontiguousarray(queries, dtype=np.float32)
        rows, cosines = self.search_index(folder / self.index_file, asked, k)
        found, missed = ids[rows], rows < 0
        found[missed] = None
        return Found(found, np.where(missed, -np.inf, cosines).astype(np.float32))

    def semantic_ids(self, folder: Path) -> SemanticIDs | None:
        """Return the semantic IDs in the table, see `VectorStore.semantic_ids`."""
        table = open_parquet(folder / PLACES, ("item_id",), "table of places")
        return SemanticIDs.read(folder / PLACES) if len(table.column_names) > 1 else None
