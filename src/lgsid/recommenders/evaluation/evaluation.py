"""What every evaluation is: it collects, then tells the metrics and the columns behind them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from torch import Tensor

from lgsid.artefacts.tables import write_parquet
from lgsid.processes import gather_rows, n_processes


class Evaluation(ABC):
    """Collect what a recommender returns for the queries of a split.

    A subclass has an `update` that takes the results of a batch. Nothing here calls a model.
    """

    file_name: str
    """Name of the file of columns in a run folder."""
    _parts: list[tuple[Tensor, ...]]
    """The columns of each batch."""

    @abstractmethod
    def reset(self) -> None:
        """Forget all queries."""

    def gather(self) -> None:
        """Take the columns of all processes; called by every one of them, after the last `compute`."""
        if n_processes() > 1:
            self._parts = [tuple(gather_rows(torch.cat(column)) for column in zip(*self._parts, strict=True))]

    @abstractmethod
    def compute(self) -> dict[str, Tensor]:
        """Return the metrics by name, scalars; empty without queries."""

    @abstractmethod
    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """Return the columns of the saved table by name, all of one length; empty without queries."""

    def write(self, path: str | Path) -> None:
        """Write the columns as Parquet, atomically, in the order of the log; nothing without queries."""
        columns = self.columns()
        if columns:
            order = np.argsort(columns["row"], kind="stable")
            write_parquet(pa.table({name: values[order] for name, values in columns.items()}), path)
