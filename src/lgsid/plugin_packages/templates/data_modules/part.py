"""Queries that are trained on the latest check-ins only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lgsid.artefacts import Dataset
from lgsid.datamodules import SequenceData
from lgsid.errors import LgsidError


class PartName(SequenceData):
    """Serve queries of next-place recommendation; train on the latest share of them, whose habits are those of now.

    Args:
        dataset: Folder of a prepared dataset, or the dataset itself.
        sids: Semantic IDs of the places, if the model needs them.
        share: Share of the training queries to serve, the latest ones.
        max_history: Most check-ins of a history.
        batch_size: Queries of a training batch.
        seed: Random seed for the order of training queries.
    """

    def __init__(
        self,
        dataset: str | Dataset,
        sids: str | None = None,
        share: float = 0.5,
        max_history: int = 200,
        batch_size: int = 256,
        seed: int = 0,
    ) -> None:
        super().__init__(dataset, sids, max_history=max_history, batch_size=batch_size, seed=seed)
        if not 0 < share <= 1:
            raise LgsidError(f"PartName: share must be above 0 and at most 1, not {share}")
        self.share = share

    def queries(self, split: str) -> NDArray[np.int64]:
        """Return the log rows that are queries of a split, in the order of time."""
        rows = super().queries(split)
        return rows[-max(1, round(self.share * len(rows))) :] if split == "train" else rows
