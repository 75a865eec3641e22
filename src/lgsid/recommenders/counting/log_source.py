"""A dataset as recommenders see it, without a datamodule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.artefacts.codes import sizes_of
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
        """Sizes of the data; a semantic ID has as many codes per level as the largest one says."""
        items = self.dataset.items
        return DataShape(
            n_items=len(items),
            n_users=len(self.dataset.user_ids),
            n_regions=tuple(len(items.codes(column)[1]) for column in items.region_columns),
            n_categories=len(items.codes("category")[1]),
            n_category_groups=len(items.codes("category_group")[1]),
            n_brands=len(items.codes("brand")[1]),
            codebook_sizes=() if self.codes is None else sizes_of(self.codes, "semantic IDs"),
        )
