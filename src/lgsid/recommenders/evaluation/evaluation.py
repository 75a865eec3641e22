"""What every evaluation is: it collects, then tells the metrics and the columns behind them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy.typing as npt
import pyarrow as pa
from torch import Tensor

from lgsid.artefacts.tables import write_parquet


class Evaluation(ABC):
    """Collect what a recommender returns for the queries of a split.

    A subclass has an `update` that takes the results of a batch. Nothing here calls a model.
    """

    file_name: str
    """Name of the file of columns in a run folder."""

    @abstractmethod
    def reset(self) -> None:
        """Forget all queries."""

    @abstractmethod
    def compute(self) -> dict[str, Tensor]:
        """Return the metrics by name, scalars; empty without queries."""

    @abstractmethod
    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """Return the columns of the saved table by name, all of one length; empty without queries."""

    def write(self, path: str | Path) -> None:
        """Write the columns as Parquet, atomically; nothing without queries."""
        columns = self.columns()
        if columns:
            write_parquet(pa.table(columns), path)
