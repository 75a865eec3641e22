"""Pairs of near places."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from lgsid.alignment import PairSampler
from lgsid.artefacts import Dataset
from lgsid.errors import LgsidError
from lgsid.geo.neighbors import nearest_places
from lgsid.typing import PreferenceBatch


class PartName(PairSampler):
    """The chosen place is one of the k nearest of the anchor, a rejected one is any other.

    Args:
        k: Number of places that are near.
    """

    def __init__(self, k: int = 10) -> None:
        if k < 1:
            raise LgsidError(f"PartName: k must be at least 1, not {k}")
        self.k = k

    def fit(self, dataset: Dataset) -> None:
        """Find the nearest places of each of the N places; check-ins are not looked at."""
        items = dataset.items
        k = min(self.k, (len(items) - 1) // 2)
        self._near = np.sort(nearest_places(items.lat_deg, items.lon_deg, k)[0], axis=1) if k else np.empty((0, 0), int)

    @property
    def n_anchors(self) -> int:
        """Number of places, or 0 where there are too few of them."""
        return len(self._near)

    def draw(self, n: int, n_rejected: int, rng: np.random.Generator) -> PreferenceBatch:
        """Draw `n` anchors (B,), each with one chosen (B,) and `n_rejected` rejected places (B, K)."""
        anchor = rng.integers(self.n_anchors, size=n)
        near = self._near[anchor]
        chosen = near[np.arange(n), rng.integers(near.shape[1], size=n)]
        taken = np.sort(np.column_stack([near, anchor]), axis=1)
        rejected = rng.integers(self.n_anchors - taken.shape[1], size=(n, n_rejected))
        for column in taken.T:  # in ascending order: step over each place that may not be rejected
            rejected += rejected >= column[:, None]
        return PreferenceBatch(*map(torch.from_numpy, (anchor, chosen, rejected)))

    def is_positive(self, anchor: NDArray[np.int64], place: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return whether a place is one of the k nearest of an anchor; shapes broadcast."""
        return np.asarray((self._near[anchor] == place[..., None]).any(axis=-1))
