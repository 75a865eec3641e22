"""Base class of what finds the nearest vectors."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor

from lgsid.construction import Describable


class NeighborIndex(Describable, ABC):
    """Find the nearest other rows of a table of vectors by cosine.

    Whatever lgsid says of the neighborhoods of vectors (coverage@k, purity@k, median km@k) is of the rows that an index
    finds. An index may miss some of the nearest, and must say so; numbers of different indexes do not compare.
    """

    @abstractmethod
    def nearest(self, vectors: Tensor, k: int, rows: Tensor | None = None) -> Tensor:
        """Return the k nearest other rows of each row, nearest first; the same for the same vectors every time.

        Args:
            vectors: Shape (N, D). A row of zeros has similarity 0 with every other.
            k: Number of neighbors; at most N - 1 are returned.
            rows: Rows whose neighbors are searched among all rows, shape (Q,) int64; every row if none.

        Returns:
            Rows, shape (Q, min(k, N - 1)), int64, on the device of the vectors. A row is never its own neighbor, also
            where other rows hold the same vector, and none is there twice.
        """
