"""Training check-ins at the places that a tokenizer is fitted on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from typing_extensions import Self

from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.artefacts.dataset import Dataset
from lgsid.typing import ItemBatch

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Visits:
    """V check-ins of the training split, at N places.

    Args:
        user: Shape (V,), number of the user.
        place: Shape (V,), position of the place among the N.
        hour: Shape (V,), int64 local hour, 0 to 23.
        n_places: N.
    """

    user: IntArray
    place: IntArray
    hour: IntArray
    n_places: int

    @classmethod
    def of(cls, dataset: Dataset, items: ItemBatch) -> Self:
        """Return the training check-ins of a dataset at `items`, N of its items in any order."""
        log = CheckInLog.of(dataset)
        position = np.full(len(dataset.items), -1, dtype=np.int64)
        position[items.item.cpu().numpy()] = np.arange(len(items))
        place = position[log.item]
        kept = (log.split == "train") & (place >= 0)
        return cls(log.user[kept], place[kept], log.hour[kept].astype(np.int64) % 24, len(items))
