"""Split by global time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from lgsid.data.split import Split
from lgsid.errors import LgsidError


class TemporalSplit(Split):
    """Cut the log, in the order of time, into train, validation and test.

    Args:
        train: Share of the earliest interactions that are for training.
        val: Share of those that follow. The rest is the test.
    """

    def __init__(self, train: float = 0.8, val: float = 0.1) -> None:
        if not (train > 0 and val >= 0 and train + val < 1):
            raise LgsidError(f"TemporalSplit: train {train:g} and val {val:g} must be shares with a sum below 1")
        self.train, self.val = train, val

    def assign(self, interactions: pd.DataFrame) -> npt.NDArray[np.object_]:
        """Return the name of the split of each interaction, shape (M,)."""
        n = len(interactions)
        first_val, first_test = round(n * self.train), round(n * (self.train + self.val))
        split = np.full(n, "test", dtype=object)
        split[:first_test] = "val"
        split[:first_val] = "train"
        return split
