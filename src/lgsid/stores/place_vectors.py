"""What a store holds of places, and what a search in it finds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lgsid.artefacts import Embeddings, SemanticIDs
from lgsid.artefacts.numbered_ids import NumberedIds
from lgsid.errors import LgsidError


@dataclass(frozen=True)
class PlaceVectors:
    """Vectors of places under their ids, with their semantic IDs where there are any.

    Args:
        embeddings: Vectors of N places, none of length zero.
        sids: Semantic IDs; they may be of more places, and in another order.

    Raises:
        LgsidError: if a vector has no direction, or a place has no semantic ID.
    """

    embeddings: Embeddings
    sids: SemanticIDs | None = None

    def __post_init__(self) -> None:
        empty = ~self.embeddings.vectors.any(axis=1)
        if empty.any():
            item = self.embeddings.item_ids[empty][0]
            raise LgsidError(f"embeddings: item {item!r} has a vector of zeros, which is near nothing; leave it out")
        if self.sids is not None and (self.rows_of_sids < 0).any():
            item = self.embeddings.item_ids[self.rows_of_sids < 0][0]
            raise LgsidError(f"semantic IDs: none for item {item!r}, which has a vector; give those of the same places")

    def __len__(self) -> int:
        return len(self.embeddings)

    @property
    def ids(self) -> npt.NDArray[np.object_]:
        """Item ids, shape (N,)."""
        return self.embeddings.item_ids

    @property
    def vectors(self) -> npt.NDArray[np.float32]:
        """Vectors, shape (N, D)."""
        return self.embeddings.vectors

    @property
    def rows_of_sids(self) -> npt.NDArray[np.int64]:
        """Row of each place in the table of semantic IDs, -1 where it has none, shape (N,)."""
        known = np.array([], dtype=object) if self.sids is None else self.sids.item_ids
        return NumberedIds(known).numbers(self.ids)

    def own_sids(self) -> SemanticIDs | None:
        """Return the semantic IDs of these places in the order of the vectors, or none."""
        if self.sids is None:
            return None
        return SemanticIDs(self.ids, self.sids.codes[self.rows_of_sids], self.sids.codebook_sizes, self.sids.metadata)


@dataclass(frozen=True)
class Found:
    """The nearest places of Q queries, nearest first.

    Where an approximate index finds fewer than it has, the rest is `None` with minus infinity.

    Args:
        ids: Item ids, shape (Q, K).
        cosines: Their cosines with the query, shape (Q, K), float32.
    """

    ids: npt.NDArray[np.object_]
    cosines: npt.NDArray[np.float32]


def unit(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return vectors (N, D) scaled to length one, contiguous; those of length zero stay."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.ascontiguousarray(vectors / np.where(length, length, 1), dtype=np.float32)
