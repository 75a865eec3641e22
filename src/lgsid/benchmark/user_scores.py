"""The results of a method by user, for a bootstrap over users."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod

import numpy as np
import numpy.typing as npt

from lgsid.errors import LgsidError

Floats = npt.NDArray[np.float64]


class UserScores(ABC):
    """The results of one method and seed, kept by user.

    Args:
        source: Where they are from, for messages.
        users: Shape (U,), sorted, every user once.
        keys: Names of the metrics, slice included: `mrr@10`, `new/mrr@10`. All have a value over all users.
        queries: Hash of what was asked, see `queries_hash`.
    """

    def __init__(self, source: str, users: npt.NDArray[np.int64], keys: tuple[str, ...], queries: str) -> None:
        self.source = source
        self.users = users
        self.keys = keys
        self.queries = queries

    @abstractmethod
    def evaluate(self, weights: Floats) -> Floats:
        """Return the metrics of several weightings of the users.

        Args:
            weights: Shape (B, U), how often each user counts.

        Returns:
            Shape (B, K), in the order of `keys`; NaN where a weighting leaves nothing to measure.
        """

    def estimate(self) -> Floats:
        """Return the metrics over all users, shape (K,)."""
        return np.asarray(self.evaluate(np.ones((1, len(self.users))))[0])

    def same_task(self, other: UserScores) -> None:
        """Check that another method was asked the same.

        Raises:
            LgsidError: if its queries were others.
        """
        if type(self) is not type(other) or self.queries != other.queries:
            raise LgsidError(
                f"{other.source}: was measured on other queries ({len(other.users)} users) than {self.source}"
                f" ({len(self.users)} users); run both on the same data"
            )


def queries_hash(*columns: npt.NDArray[np.generic]) -> str:
    """Hash queries by columns of whole numbers, shape (Q,) each, in a canonical order."""
    table = np.ascontiguousarray(np.stack([column.astype(np.int64) for column in columns]))
    return hashlib.sha256(f"{table.shape}".encode() + table.tobytes()).hexdigest()


def aligned_mask(mask: npt.NDArray[np.bool_], name: str, n_rows: int, source: str) -> npt.NDArray[np.bool_]:
    """Return a mask of the rows of a file, shape (Q,).

    Raises:
        LgsidError: if it is of another length.
    """
    if mask.shape != (n_rows,):
        raise LgsidError(f"{source}: has {n_rows} rows, the mask of slice {name} has {len(mask)}; give one per row")
    return mask.astype(bool)
