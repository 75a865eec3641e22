"""Ids looked up by their position in a list."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd


class NumberedIds:
    """Ids, each once, with a table that finds many of them at a time; made once, since it holds all ids.

    Args:
        ids: Shape (N,), texts.
    """

    def __init__(self, ids: npt.NDArray[np.object_]) -> None:
        self._index = pd.Index(ids, dtype=object)
        self._index.get_indexer(self._index[:1])  # fills the table before several threads may ask for it

    def numbers(self, ids: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return the positions of ids, -1 for those that are not in the list; shape (M,).

        Args:
            ids: Shape (M,), texts.
        """
        wanted = pd.Index(np.asarray(ids, dtype=object), dtype=object)
        return np.asarray(self._index.get_indexer(wanted), dtype=np.int64)
