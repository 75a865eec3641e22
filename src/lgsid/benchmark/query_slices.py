"""Which slices a query belongs to, for files that know the row of the log only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lgsid.artefacts import CheckInLog, Dataset
from lgsid.artefacts.tables import open_parquet
from lgsid.errors import LgsidError
from lgsid.recommenders.evaluation.item_slices import item_slices


@dataclass(frozen=True)
class QuerySlices:
    """The log and the slices of its items.

    Args:
        log: The check-ins of a dataset.
        by_item: Slice key -> mask of the items (N,).
    """

    log: CheckInLog
    by_item: dict[str, npt.NDArray[np.bool_]]

    @classmethod
    def of(cls, folder: Path) -> QuerySlices:
        """Read the folder of a prepared dataset."""
        return cls.of_dataset(Dataset.read(folder))

    @classmethod
    def of_dataset(cls, dataset: Dataset) -> QuerySlices:
        """Return the log and the slices of a prepared dataset."""
        log = CheckInLog.of(dataset)
        by_item: dict[str, npt.NDArray[np.bool_]] = {}
        for (inside, outside), mask in item_slices(dataset.items, log).items():
            by_item |= {f"{inside}/": mask, f"{outside}/": ~mask}
        return cls(log, by_item)

    def masks(self, path: Path) -> dict[str, npt.NDArray[np.bool_]]:
        """Return slice key -> mask of the rows of a file of queries, by the place that was right."""
        right = self.log.item[self.rows(path)]
        return {key: mask[right] for key, mask in self.by_item.items()}

    def is_new(self, path: Path) -> npt.NDArray[np.bool_]:
        """Return the mask of the rows of a file whose query's right place was new to the user."""
        return self.log.is_new[self.rows(path)]

    def rows(self, path: Path) -> npt.NDArray[np.int64]:
        """Return the rows of the log that a file of queries is about.

        Raises:
            LgsidError: if it is about rows that the dataset does not have.
        """
        rows = open_parquet(path, ("row",), "table of queries")["row"].to_numpy()
        if len(rows) and (rows.min() < 0 or rows.max() >= len(self.log)):
            raise LgsidError(f"{path}: has rows that the dataset does not have; run the benchmark again")
        return np.asarray(rows, dtype=np.int64)
