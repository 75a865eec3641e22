"""Pairs about distance alone, among places of the same kind."""

from __future__ import annotations

import numpy as np

from lgsid.alignment.far_pairs import FarPairs
from lgsid.alignment.sampling import IntArray
from lgsid.artefacts import Items


class SameCategoryFarPairs(FarPairs):
    """Far pairs in which anchor, chosen and rejected all have one category.

    With `FarPairs` the chosen place mostly is of another kind than the anchor, so the encoder learns to forget kinds.
    Here nothing but distance tells chosen from rejected. Our addition to the paper's two kinds of pairs. Places of
    unknown category form a group of their own.

    Args:
        near: How many nearest places of the category can be chosen; at most a quarter of the category.
        min_places: Categories with fewer places give no anchors.
    """

    def __init__(self, near: int = 20, min_places: int = 8) -> None:
        super().__init__(near, min_places)

    def groups(self, items: Items) -> IntArray:
        """Return the category of each place, shape (N,)."""
        return np.asarray(items.codes("category")[0])
