"""Colliding items get free semantic IDs in order."""

from __future__ import annotations

import math

import numpy as np

from lgsid.errors import LgsidError
from lgsid.tokenizers import CollisionStrategy
from lgsid.tokenizers.collision_strategy import CodeDistances, Codes, Resolved


class PartName(CollisionStrategy):
    """Leave the first item of each semantic ID where it is, and give the others the first free ones, in order.

    Quick, unique, and blind: `NearestFreeCode` looks for codes that fit.
    """

    def check(self, n_items: int, codebook_sizes: tuple[int, ...]) -> None:
        """Raise an LgsidError if there are more items than semantic IDs; called before training."""
        if n_items > math.prod(codebook_sizes):
            raise LgsidError(
                f"PartName: {n_items} items cannot have different semantic IDs, the codebooks hold"
                f" {math.prod(codebook_sizes)}; give a level more codes"
            )

    def resolve(self, codes: Codes, codebook_sizes: tuple[int, ...], distances: CodeDistances) -> Resolved:
        """Return codes (N, L) of which no two are the same; `distances` is not looked at."""
        self.check(len(codes), codebook_sizes)
        number = np.ravel_multi_index(tuple(codes.T), codebook_sizes)
        _, first = np.unique(number, return_index=True)
        late = np.setdiff1d(np.arange(len(codes)), first)
        free = np.setdiff1d(np.arange(math.prod(codebook_sizes)), number)
        number[late] = free[: len(late)]
        return Resolved(np.stack(np.unravel_index(number, codebook_sizes), axis=1).astype(np.int64), codebook_sizes)
