"""Geography-constrained preference pairs within a category."""

from __future__ import annotations

import numpy as np

from lgsid.alignment.far_pairs import FarPairs
from lgsid.alignment.sampling import IntArray
from lgsid.artefacts import Items


class SameCategoryFarPairs(FarPairs):
    """Far pairs in which anchor, chosen and rejected all have one category.

    With `FarPairs` the chosen place is mostly of another category than the anchor, so the encoder learns to ignore
    categories. Here nothing but distance tells chosen from rejected. Our addition to the two kinds of pairs of LGSID
    (docs/method.md, section 2). Places of unknown category form a group of their own.

    Args:
        near: Number of nearest places of the category from which the chosen one is sampled; at most a quarter of it.
        min_places: Minimum number of places of a category for its places to become anchors.
    """

    def __init__(self, near: int = 20, min_places: int = 8) -> None:
        super().__init__(near, min_places)

    def groups(self, items: Items) -> IntArray:
        """Return the category of each place, shape (N,)."""
        return np.asarray(items.codes("category")[0])
