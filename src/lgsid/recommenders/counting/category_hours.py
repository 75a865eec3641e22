"""How often places of a category are visited at an hour."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from lgsid.recommenders.check_in_source import CheckInSource

HOURS = 24


def category_hours(source: CheckInSource) -> Tensor:
    """Count check-ins by local hour and category: over training, and over training and validation.

    Returns:
        Shape (2, 24, C) float64, categories in the order of `Items.codes`.
    """
    category, names = source.dataset.items.codes("category")
    log = source.log
    cell = np.floor(log.hour).astype(np.int64) % HOURS * len(names) + category[log.item]
    parts = (log.split == "train", log.split != "test")
    counts = [np.bincount(cell[part], minlength=HOURS * len(names)).reshape(HOURS, -1) for part in parts]
    return torch.from_numpy(np.stack(counts)).double()
