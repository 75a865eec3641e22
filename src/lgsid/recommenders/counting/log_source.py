"""A dataset as recommenders see it, without a datamodule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.artefacts.dataset import Dataset
from lgsid.typing import DataShape


@dataclass
class LogSource:
    """What `CheckInSource` asks for, made of a dataset.

    Args:
        dataset: The data.
        log: Its check-ins.
        codes: Shape (N, L), semantic IDs, if there are any.
    """

    dataset: Dataset
    log: CheckInLog
    codes: npt.NDArray[np.int64] | None = None

    @classmethod
    def of(cls, dataset: Dataset) -> LogSource:
        """Return the source of a dataset without semantic IDs."""
        return cls(dataset, CheckInLog.of(dataset))

    @property
    def shape(self) -> DataShape:
        """Sizes that counting needs."""
        items = self.dataset.items
        users = len(self.dataset.user_ids)
        return DataShape(n_items=len(items), n_users=users, n_categories=len(items.codes("category")[1]))
