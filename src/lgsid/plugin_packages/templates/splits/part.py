"""A split of each user's own log by time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from lgsid.datasets import Split
from lgsid.errors import LgsidError


class PartName(Split):
    """Split the check-ins of each user by time: the first share for training, the last for the test.

    Of others, later check-ins than a user's test may be trained on: `TemporalSplit` does not do that.

    Args:
        train: Share of a user's check-ins for training, the earliest ones.
        val: Share for validation, the next ones; the rest is for the test.
    """

    def __init__(self, train: float = 0.8, val: float = 0.1) -> None:
        if not (train > 0 and val >= 0 and train + val < 1):
            raise LgsidError(f"PartName: train {train:g} and val {val:g} must be shares with a sum below 1")
        self.train, self.val = train, val

    def assign(self, interactions: pd.DataFrame) -> npt.NDArray[np.object_]:
        """Return "train", "val" or "test" for each check-in; the rows are in the order of time. (M,)."""
        users = interactions.groupby("user_id", sort=False)["user_id"]
        done = users.cumcount().to_numpy() / users.transform("size").to_numpy()
        split = np.where(done < self.train, "train", np.where(done < self.train + self.val, "val", "test"))
        return split.astype(object)
