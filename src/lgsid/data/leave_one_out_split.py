"""Split off each user's last interactions."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from lgsid.data.split import Split


class LeaveOneOutSplit(Split):
    """Test on each user's last check-in, validate on the one before it, train on the rest.

    Of a user with two check-ins the first trains and the second tests; a single check-in trains.
    """

    task: ClassVar[str] = "leave_one_out"

    def assign(self, interactions: pd.DataFrame) -> npt.NDArray[np.object_]:
        """Return the name of the split of each interaction, shape (M,)."""
        users = interactions.groupby("user_id", sort=False)["user_id"]
        from_end = users.cumcount(ascending=False).to_numpy()
        from_start = users.cumcount().to_numpy()
        split = np.full(len(interactions), "train", dtype=object)
        split[(from_end == 1) & (from_start >= 1)] = "val"
        split[(from_end == 0) & (from_start >= 1)] = "test"
        return split
