"""Queries of a log as a batch."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.typing import SequenceBatch

IntArray = npt.NDArray[np.int64]


def sequence_batch(log: CheckInLog, rows: IntArray, max_history: int | None = None) -> SequenceBatch:
    """Return the queries of the given log rows with their histories.

    Args:
        log: The check-ins.
        rows: Shape (B,), rows of the log.
        max_history: Maximum length of the history; the most recent check-ins are kept.
    """
    past = log.history(rows, max_history)  # (B, T) log rows
    padded = past < 0
    at = past.clip(min=0)
    later = log.later_training(rows)

    def tensor(values: npt.NDArray[np.generic], fill: float | None = None) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values if fill is None else np.where(padded, fill, values)))

    return SequenceBatch(
        row=tensor(rows.astype(np.int64)),
        user=tensor(log.user[rows]),
        history=tensor(np.where(padded, -1, log.item[at])),
        history_age_s=tensor(log.time_s[rows][:, None] - log.time_s[at], 0.0),
        history_hour=tensor(np.where(padded, np.float32(0), log.hour[at])),
        history_weekday=tensor(np.where(padded, 0, log.weekday[at])),
        hour=tensor(log.hour[rows]),
        weekday=tensor(log.weekday[rows]),
        target=tensor(log.item[rows]),
        is_new=tensor(log.is_new[rows]),
        later=torch.from_numpy(np.where(later < 0, -1, log.item[later.clip(min=0)])),
        later_hour=torch.from_numpy(np.where(later < 0, np.float32(0), log.hour[later.clip(min=0)])),
        later_weekday=torch.from_numpy(np.where(later < 0, 0, log.weekday[later.clip(min=0)])),
    )
