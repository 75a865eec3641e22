"""Which items are held out: a seeded share, told from their ids alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from pandas.util import hash_array

from lgsid.errors import LgsidError


def held_out(item_ids: npt.NDArray[np.object_], share: float, seed: int = 0) -> npt.NDArray[np.bool_]:
    """Tell which items are held out.

    An item is held out by a hash of its id, so the answer depends neither on the order of the items nor on which others
    there are: training, judging and recommending can ask for it separately, and a larger share holds a smaller one.

    Args:
        item_ids: Ids as texts, shape (N,).
        share: Expected share of items that are held out, 0 to below 1.
        seed: Random seed; another one holds out others.

    Returns:
        Shape (N,).

    Raises:
        LgsidError: if the share is out of range.
    """
    if not 0 <= share < 1:
        raise LgsidError(f"share of items held out: must be at least 0 and below 1, not {share}")
    hashes = hash_array(np.asarray(item_ids, dtype=object), hash_key=f"{seed % 10**16:016d}", categorize=False)
    return np.asarray(hashes.astype(np.float64) / 2.0**64 < share)
