"""Split by blocks of time that the source names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from lgsid.data.split import Split
from lgsid.errors import LgsidError


class BlockSplit(Split):
    """Take the time blocks that a published dataset defines, so that results compare with others'.

    Args:
        train: Blocks for training.
        val: Blocks for validation.
        test: Blocks for the test.
        column: Where the source keeps the name of the block.
    """

    def __init__(
        self,
        train: Sequence[str] = ("T0", "T1", "T2", "T3"),
        val: Sequence[str] = ("T4",),
        test: Sequence[str] = ("T5",),
        column: str = "block",
    ) -> None:
        self.train, self.val, self.test, self.column = list(train), list(val), list(test), column

    def assign(self, interactions: pd.DataFrame) -> npt.NDArray[np.object_]:
        """Return the name of the split of each interaction, shape (M,)."""
        if self.column not in interactions.columns:
            raise LgsidError(f"BlockSplit: the source has no column {self.column!r}; use TemporalSplit")
        blocks = interactions[self.column].astype(object).to_numpy(dtype=object)
        wanted = {b: s for s, names in (("train", self.train), ("val", self.val), ("test", self.test)) for b in names}
        unknown = sorted({str(b) for b in blocks} - set(wanted))
        if unknown:
            raise LgsidError(f"BlockSplit: block {unknown[0]!r} is in none of train, val, test; list it in one of them")
        return np.array([wanted[b] for b in blocks], dtype=object)
