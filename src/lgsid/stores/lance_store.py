"""Places as a Lance table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lgsid.artefacts import SemanticIDs
from lgsid.artefacts.codes import code_columns
from lgsid.stores.place_vectors import Found, PlaceVectors
from lgsid.stores.vector_store import VectorStore, library

TABLE, SIZES = "places.lance", b"codebook_sizes"
ROWS = 1024  # queries that are searched at once


class LanceStore(VectorStore):
    """A Lance table with columns `item_id`, `vector` and `level_1 .. level_L`; a search compares with all of them.

    Lance reads it with DuckDB, pandas and Arrow, adds versions and indexes of its own, and LanceDB serves it.
    """

    files = (TABLE,)

    def write(self, places: PlaceVectors, folder: Path) -> None:
        """Write the table, see `VectorStore.write`."""
        flat = pa.array(np.ascontiguousarray(places.vectors).reshape(-1))
        columns = {
            "item_id": pa.array(places.ids.tolist(), pa.string()),
            "vector": pa.FixedSizeListArray.from_arrays(flat, places.vectors.shape[1]),
        }
        sids = places.own_sids()
        sizes: tuple[int, ...] = ()
        if sids is not None:
            columns |= code_columns(sids.codes)
            sizes = sids.codebook_sizes
        table = pa.table(columns).replace_schema_metadata({SIZES: json.dumps(sizes).encode()})
        lance(self).write_dataset(table, str(folder / TABLE))

    def search(self, folder: Path, queries: npt.NDArray[np.float32], k: int) -> Found:
        """Return the k nearest places of each query, see `VectorStore.search`."""
        table = lance(self).dataset(str(folder / TABLE))
        k = min(k, table.count_rows())
        ids, cosines = [np.empty((0, k), dtype=object)], [np.empty((0, k), dtype=np.float32)]
        for start in range(0, len(queries), ROWS):
            some = np.ascontiguousarray(queries[start : start + ROWS], dtype=np.float32)
            asked = {"column": "vector", "q": some, "k": k, "metric": "cosine"}
            found = table.to_table(nearest=asked, columns=["item_id", "_distance"])
            ids.append(found["item_id"].to_numpy().reshape(len(some), k))
            cosines.append(1 - found["_distance"].to_numpy().reshape(len(some), k))
        return Found(np.concatenate(ids), np.concatenate(cosines))

    def semantic_ids(self, folder: Path) -> SemanticIDs | None:
        """Return the semantic IDs in the table, see `VectorStore.semantic_ids`."""
        dataset = lance(self).dataset(str(folder / TABLE))
        sizes = json.loads((dataset.schema.metadata or {}).get(SIZES, b"[]"))
        names = [f"level_{level + 1}" for level in range(len(sizes))]
        table = dataset.to_table(columns=["item_id", *names])
        return SemanticIDs.from_frame(table.to_pandas(), sizes) if sizes else None


def lance(store: VectorStore) -> Any:
    """Import Lance."""
    return library("lance", "pylance", "lance", type(store).__name__)
