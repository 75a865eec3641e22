"""Geography-constrained preference pairs among all places."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lgsid.alignment.pair_sampler import PairSampler
from lgsid.alignment.sampling import IntArray, first_accepted, log_uniform_ranks, preference_batch
from lgsid.artefacts import Dataset, Items
from lgsid.functional.distances import unit_vectors
from lgsid.geo.neighbors import nearest_in_groups
from lgsid.typing import PreferenceBatch

TRIES = 16  # candidates drawn for each rejected place


class FarPairs(PairSampler):
    """Geography-constrained pairs: the chosen place is near the anchor, the rejected ones are far.

    The chosen place is one of the anchor's `near` nearest (at most a quarter of all there are), its rank drawn
    log-uniformly. A rejected place is drawn evenly from those beyond that circle, so what counts as far follows the
    density of the city.

    Source: LGSID (arXiv 2511.14221), geography-constrained pairs; ranks instead of distances are our reading
    (docs/method.md, section 2).

    Args:
        near: Number of nearest places from which the chosen one is sampled.
        min_places: Minimum number of places in a group for its places to become anchors.
    """

    def __init__(self, near: int = 20, min_places: int = 8) -> None:
        self.near = near
        self.min_places = max(min_places, 3)

    def groups(self, items: Items) -> IntArray:
        """Return a code for each place; pairs stay within places of one code. Shape (N,)."""
        return np.zeros(len(items), dtype=np.int64)

    def fit(self, dataset: Dataset) -> None:
        """Find the nearest places of each place within its group."""
        items = dataset.items
        codes = self.groups(items)
        self._members = np.argsort(codes, kind="stable").astype(np.int64)  # places sorted by group
        _, self._group, sizes = np.unique(codes, return_inverse=True, return_counts=True)
        self._sizes = sizes.astype(np.int64)
        self._starts = np.concatenate([[0], np.cumsum(self._sizes)[:-1]]).astype(np.int64)
        self._points = unit_vectors(items.lat_deg, items.lon_deg)
        wanted = np.where(self._sizes < self.min_places, 0, np.clip(self._sizes // 4, 1, self.near))
        self._nearest, self._n_near = nearest_in_groups(items.lat_deg, items.lon_deg, self._group, wanted)
        self.anchors = np.flatnonzero(self._n_near)
        last = self._nearest[self.anchors, self._n_near[self.anchors] - 1]
        self._radius = np.zeros(len(items))
        self._radius[self.anchors] = self._chord(self.anchors, last)

    @property
    def n_anchors(self) -> int:
        """Number of places in groups that are large enough."""
        return len(self.anchors)

    def draw(self, n: int, n_rejected: int, rng: np.random.Generator) -> PreferenceBatch:
        """Draw `n` pairs; see the base class."""
        anchor = rng.choice(self.anchors, size=n)
        return preference_batch(anchor, self.draw_near(anchor, rng), self.draw_far(anchor, n_rejected, rng))

    def is_positive(self, anchor: IntArray, place: IntArray) -> npt.NDArray[np.bool_]:
        """Return whether places are of the group of an anchor and at most as far as its near ones."""
        alike = (self._group[anchor] == self._group[place]) & (self._n_near[anchor] > 0)
        return np.asarray(alike & (self._chord(anchor, place) <= self._radius[anchor]))

    def draw_near(self, anchor: IntArray, rng: np.random.Generator) -> IntArray:
        """Draw one of the nearest places of each anchor (B,), within its group. Shape (B,)."""
        return self._nearest[anchor, log_uniform_ranks(self._n_near[anchor], rng)]

    def draw_far(self, anchor: IntArray, k: int, rng: np.random.Generator) -> IntArray:
        """Draw k places of each anchor's group that lie beyond its near ones. Shape (B, k).

        Where several tries find none (many places at one spot), the farthest found is taken.
        """
        group = self._group[anchor]
        place = rng.integers(self._sizes[group][:, None, None], size=(len(anchor), k, TRIES))
        place = self._members[self._starts[group][:, None, None] + place]  # (B, k, T)
        distance = self._chord(anchor[:, None, None], place)
        distance[place == anchor[:, None, None]] = -1.0
        beyond = distance > self._radius[anchor][:, None, None]
        best = first_accepted(beyond, distance.argmax(axis=-1))
        return np.take_along_axis(place, best[..., None], axis=-1)[..., 0]

    def _chord(self, left: IntArray, right: IntArray) -> np.ndarray:
        return np.asarray(np.linalg.norm(self._points[left] - self._points[right], axis=-1))
