"""Keep only users and places with enough check-ins."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd


def k_core(interactions: pd.DataFrame, min_user: int, min_item: int) -> npt.NDArray[np.bool_]:
    """Find the largest set of interactions in which every user and every item has enough of them.

    Rare users and rare items are removed in turn until none is left. It is a filter of the whole log, the test
    included, as the published datasets do it; it defines the catalogue and learns nothing else.

    Args:
        interactions: Columns `user_id` and `item_id`.
        min_user: Interactions a user needs.
        min_item: Interactions an item needs.

    Returns:
        Shape (M,), true for the interactions to keep.
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
