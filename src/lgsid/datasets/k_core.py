"""Iterative k-core filter of a log."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd


def k_core(interactions: pd.DataFrame, min_user: int, min_item: int) -> npt.NDArray[np.bool_]:
    """Find the largest set of interactions in which every user and every item has enough of them.

    Users and items with too few interactions are removed in turn until none is left. The filter uses the whole log,
    including the test split, as for the published datasets; it only selects users and items.

    Args:
        interactions: Columns `user_id` and `item_id`.
        min_user: Minimum number of interactions per user.
        min_item: Minimum number of interactions per item.

    Returns:
        Mask of the interactions to keep, shape (M,).
    """
    users, _ = pd.factorize(interactions["user_id"])
    items, _ = pd.factorize(interactions["item_id"])
    keep = np.ones(len(interactions), dtype=bool)
    while keep.any():
        enough_users = np.bincount(users[keep], minlength=users.max() + 1) >= min_user
        enough_items = np.bincount(items[keep], minlength=items.max() + 1) >= min_item
        kept = keep & enough_users[users] & enough_items[items]
        if kept.sum() == keep.sum():
            break
        keep = kept
    return keep
