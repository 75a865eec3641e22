"""Negatives from anywhere, all equally likely."""

from __future__ import annotations

import numpy as np

from lgsid.artefacts import Items
from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.datamodules import NegativeSampler
from lgsid.datamodules.negatives.negative_sampler import BoolArray, IntArray


class PartName(NegativeSampler):
    """Draw every negative evenly from all places but the one that the user went to.

    A model can tell such negatives by popularity and distance alone; `MatchedNegatives` is harder.

    Args:
        n_near: Number of negatives in the columns of near ones; they are drawn from anywhere, too.
        n_any: Number of negatives from anywhere.
    """

    def __init__(self, n_near: int = 0, n_any: int = 4) -> None:
        super().__init__(n_near, n_any)

    def draw(self, log: CheckInLog, items: Items, rng: np.random.Generator) -> tuple[IntArray, BoolArray]:
        """Draw K negatives for each of M check-ins: item rows (M, K) int64, and which are near ones (M, K) bool."""
        shape = (len(log), self.n_near + self.n_any)
        drawn = rng.integers(len(items) - 1, size=shape)
        drawn += drawn >= log.item[:, None]  # the place itself is skipped
        return drawn, np.zeros(shape, dtype=bool)
