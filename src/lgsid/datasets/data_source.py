"""Base class of data sources."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from lgsid.construction import Describable
from lgsid.datasets.public_dataset import PublicDataset
from lgsid.datasets.raw_data import RawData

ROOT_VARIABLE, DEFAULT_ROOT = "LGSID_DATA", "../shared/data"


class DataSource(Describable, ABC):
    """Read places and check-ins into the two tables of `RawData`.

    A source only parses. Validation, regions, brands, the k-core filter and the split are done by `DatasetBuilder`, the
    same way for every source. A source of a plugin derives from this class and implements `read`;
    `files` lets the pipeline notice that an input has changed. A source of published files may say in `public_dataset`
    where they are, for `lgsid data download`.
    """

    public_dataset: ClassVar[PublicDataset | None] = None
    root: Path = Path()

    @abstractmethod
    def read(self) -> RawData:
        """Read both tables.

        Raises:
            LgsidError: if a file is missing or broken, or a row cannot be parsed.
        """

    def files(self) -> list[Path]:
        """Return the files that `read` reads; empty for a synthetic source."""
        return []


def data_root(root: str | None) -> Path:
    """Return the data root, the folder of the public datasets: `root`, else `LGSID_DATA`, else `../shared/data`.

    Relative paths start from the working directory; a config file's own root is made to start from its folder before.
    """
    return Path(root or os.environ.get(ROOT_VARIABLE) or DEFAULT_ROOT)
