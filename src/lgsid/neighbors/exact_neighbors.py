"""Nearest vectors by comparing each with all others."""

from __future__ import annotations

from torch import Tensor

from lgsid.errors import LgsidError
from lgsid.functional.neighborhood import nearest_vectors
from lgsid.neighbors.neighbor_index import NeighborIndex


class ExactNeighbors(NeighborIndex):
    """Compare every vector with all others, in blocks; it misses none, in time that grows with N Q.

    Args:
        chunk_size: Rows compared with a block of others at a time.
    """

    def __init__(self, chunk_size: int = 1024) -> None:
        if chunk_size < 1:
            raise LgsidError(f"ExactNeighbors: chunk_size must be positive, got {chunk_size}")
        self.chunk_size = chunk_size

    def nearest(self, vectors: Tensor, k: int, rows: Tensor | None = None) -> Tensor:
        """Return the k nearest other rows of each row by cosine, see `NeighborIndex.nearest`."""
        return nearest_vectors(vectors, k, self.chunk_size, rows)
