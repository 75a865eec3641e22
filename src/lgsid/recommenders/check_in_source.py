"""What a recommender may ask of the data behind its batches."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.artefacts.dataset import Dataset


@runtime_checkable
class CheckInSource(Protocol):
    """A dataset with its log of check-ins and, optionally, semantic IDs: a datamodule after `setup`, for one."""

    dataset: Dataset
    log: CheckInLog
    codes: npt.NDArray[np.int64] | None  # (N, L)
