"""Rejected places by popularity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lgsid.alignment import RejectedPlaces
from lgsid.artefacts import Dataset
from lgsid.errors import LgsidError


class PartName(RejectedPlaces):
    """Propose places as often as they are visited in the training split, so that popular ones are told apart.

    Args:
        smoothing: Check-ins that are added to those of each place, so that a place without any can be drawn.
    """

    def __init__(self, smoothing: float = 1.0) -> None:
        if smoothing <= 0:
            raise LgsidError(f"PartName: smoothing must be positive, not {smoothing}")
        self.smoothing = smoothing

    def fit(self, dataset: Dataset, pairs: NDArray[np.int64]) -> None:
        """Count the training check-ins of the N places; `pairs: (P, 2)` are not looked at."""
        rows = dataset.items.rows(dataset.interactions.of_split("train")["item_id"].to_numpy())
        counts = np.bincount(rows, minlength=len(dataset.items)) + self.smoothing
        self._share = counts / counts.sum()

    def propose(
        self, chosen: NDArray[np.int64], n_rejected: int, tries: int, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """Propose rows of places for each chosen one (B,), shape (B, K, T)."""
        return rng.choice(len(self._share), size=(len(chosen), n_rejected, tries), p=self._share)
