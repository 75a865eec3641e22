"""Places as a NumPy archive."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lgsid.artefacts import SemanticIDs
from lgsid.errors import LgsidError
from lgsid.stores import Found, PlaceVectors, VectorStore

ARCHIVE = "part-name.npz"


class PartName(VectorStore):
    """Keep vectors, ids and semantic IDs in one file of NumPy, and compare a query with all of them.

    Args:
        rows: Queries that are compared at once.
    """

    files = (ARCHIVE,)

    def __init__(self, rows: int = 1024) -> None:
        if rows < 1:
            raise LgsidError(f"PartName: rows must be at least 1, not {rows}")
        self.rows = rows

    def write(self, places: PlaceVectors, folder: Path) -> None:
        """Write the archive; ids as JSON, so that nothing in it is a pickle."""
        sids = places.own_sids()
        codes = np.empty((len(places), 0), dtype=np.int64) if sids is None else sids.codes
        sizes = () if sids is None else sids.codebook_sizes
        ids = np.frombuffer(json.dumps(places.ids.tolist()).encode(), dtype=np.uint8)
        np.savez(folder / ARCHIVE, vectors=places.vectors, ids=ids, codes=codes, sizes=np.array(sizes, dtype=np.int64))

    def search(self, folder: Path, queries: npt.NDArray[np.float32], k: int) -> Found:
        """Return the k nearest places of each query (Q, D) by cosine: ids and cosines, shape (Q, k), nearest first."""
        with np.load(folder / ARCHIVE) as archive:
            ids = np.array(json.loads(archive["ids"].tobytes()), dtype=object)
            vectors = archive["vectors"]
        vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        k = min(k, len(ids))
        found = [np.empty((0, k), dtype=np.int64)]
        cosines = [np.empty((0, k), dtype=np.float32)]
        for start in range(0, len(queries), self.rows):
            some = queries[start : start + self.rows]
            similarity = some / np.linalg.norm(some, axis=1, keepdims=True) @ vectors.T  # (rows, N)
            found.append(np.argsort(-similarity, axis=1, kind="stable")[:, :k])
            cosines.append(np.take_along_axis(similarity, found[-1], axis=1))
        return Found(ids[np.concatenate(found)], np.concatenate(cosines))

    def semantic_ids(self, folder: Path) -> SemanticIDs | None:
        """Return the semantic IDs in the order of the vectors, or none."""
        with np.load(folder / ARCHIVE) as archive:
            ids = np.array(json.loads(archive["ids"].tobytes()), dtype=object)
            codes, sizes = archive["codes"], archive["sizes"].tolist()
        return SemanticIDs(ids, codes, tuple(sizes)) if sizes else None
