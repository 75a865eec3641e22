"""Preference pairs about the category alone, among near places."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lgsid.alignment.pair_sampler import PairSampler
from lgsid.alignment.same_category_far_pairs import SameCategoryFarPairs
from lgsid.alignment.sampling import IntArray, log_uniform_ranks, preference_batch
from lgsid.artefacts import Dataset
from lgsid.geo.neighbors import nearest_places
from lgsid.typing import PreferenceBatch


class NearOtherCategoryPairs(PairSampler):
    """Pairs in which the chosen place is near and of the anchor's category, the rejected ones beside it but of another.

    The counterweight to pairs about distance: it keeps places of one category together. The rejected places are drawn
    around the chosen one, so they are about as far from the anchor, and nothing but the category tells them apart.
    (Drawn around the anchor they would be nearer than the chosen one, and teach the encoder to ignore distance.) Our
    addition to the two kinds of pairs of LGSID (docs/method.md, section 2). Anchors of unknown category are left out; a
    rejected place of unknown category counts as another.

    Args:
        near: Number of nearest places of the category from which the chosen one is sampled; at most a quarter of it.
        min_places: Minimum number of places of a category for its places to become anchors.
        neighbours: Number of places nearest to the chosen one from which rejected places are sampled, log-uniformly by
            rank.
    """

    def __init__(self, near: int = 20, min_places: int = 8, neighbours: int = 100) -> None:
        self.neighbours = neighbours
        self._same = SameCategoryFarPairs(near, min_places)

    def fit(self, dataset: Dataset) -> None:
        """Find the nearest places of the same category, and those of others."""
        items = dataset.items
        self._same.fit(dataset)
        codes, _ = items.codes("category")
        nearest, _ = nearest_places(items.lat_deg, items.lon_deg, self.neighbours)
        other = codes[nearest] != codes[:, None]
        order = np.argsort(~other, axis=1, kind="stable")  # others first, nearest first
        self._others = np.take_along_axis(nearest, order, axis=1)
        self._n_others = other.sum(axis=1).astype(np.int64)
        anchors = self._same.anchors
        self._anchors = anchors[(self._n_others[anchors] > 0) & (codes[anchors] > 0)]

    @property
    def n_anchors(self) -> int:
        """Number of places that have both kinds of neighbors."""
        return len(self._anchors)

    def draw(self, n: int, n_rejected: int, rng: np.random.Generator) -> PreferenceBatch:
        """Draw `n` pairs; see the base class."""
        anchor = rng.choice(self._anchors, size=n)
        chosen = self._same.draw_near(anchor, rng)
        center = np.where(self._n_others[chosen] > 0, chosen, anchor)
        lengths = np.repeat(self._n_others[center][:, None], n_rejected, axis=1)
        return preference_batch(anchor, chosen, self._others[center[:, None], log_uniform_ranks(lengths, rng)])

    def is_positive(self, anchor: IntArray, place: IntArray) -> npt.NDArray[np.bool_]:
        """Return whether places are of the category of an anchor and near it."""
        return self._same.is_positive(anchor, place) & np.isin(anchor, self._anchors)
