"""What a query of each kind of split may know of other users' check-ins."""

from __future__ import annotations

from enum import Enum

import numpy as np
import numpy.typing as npt

from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.artefacts.dataset import Dataset


class SplitTask(str, Enum):
    """Evaluation protocol of a split (docs/evaluation.md, "Splits")."""

    TEMPORAL = "temporal"
    LEAVE_ONE_OUT = "leave_one_out"

    def moments(self, log: CheckInLog) -> npt.NDArray[np.int64]:
        """Number the check-ins so that a query knows those, and only those, with a smaller number than its own.

        Temporal: the row in the log, so everything earlier. Leave-one-out: the split, so a test query knows the
        training and validation check-ins, a validation query the training check-ins, whenever they happened.

        Returns:
            Shape (M,) int64.
        """
        if self is SplitTask.TEMPORAL:
            return np.arange(len(log), dtype=np.int64)
        numbers = (log.split == "val").astype(np.int64) + 2 * (log.split == "test")
        return np.asarray(numbers, dtype=np.int64)


def task_of(dataset: Dataset) -> SplitTask:
    """Return the protocol of a dataset: what its report says, else what its splits look like.

    Without a word in the report a split counts as leave-one-out if every user has at most one test check-in and no
    later check-in than that, and some user's test check-in precedes another user's training check-in.
    """
    said = dataset.report.get("task") or _mentioned(dataset.report.get("split"))
    if said in {p.value for p in SplitTask}:
        return SplitTask(said)
    log = CheckInLog.of(dataset)
    test = np.flatnonzero(log.split == "test")
    train = np.flatnonzero(log.split == "train")
    one_each = len(np.unique(log.user[test])) == len(test)
    total = np.bincount(log.user, minlength=1)
    last = log.n_before[test] == total[log.user[test]] - 1
    mixed = len(test) > 0 and len(train) > 0 and test.min() < train.max()
    return SplitTask.LEAVE_ONE_OUT if one_each and last.all() and mixed else SplitTask.TEMPORAL


def _mentioned(split: object) -> str | None:
    if isinstance(split, dict):
        return str(split.get("task", ""))
    return str(split) if split is not None else None
