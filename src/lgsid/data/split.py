"""Which interactions are for training, validation and test."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd


class Split(ABC):
    """Assign every interaction to "train", "val" or "test".

    `task` says which of the two evaluation protocols a split belongs to: in "temporal" the check-ins of the test
    block that are already past join the history of a query; in "leave_one_out" every user has at most one query.
    """

    task: ClassVar[str] = "temporal"

    @abstractmethod
    def assign(self, interactions: pd.DataFrame) -> npt.NDArray[np.object_]:
        """Return the name of the split of each interaction, shape (M,).

        Args:
            interactions: Sorted by time, equal times in the order of the source; columns `user_id`, `item_id`,
                `time`, and those the source added.

        Raises:
            LgsidError: if the source lacks what this split needs.
        """
