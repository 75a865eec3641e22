"""The category of a place, and nothing else."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lgsid.errors import LgsidError
from lgsid.tokenizers import AttributeEncoder
from lgsid.typing import DataShape, ItemBatch


class PartName(AttributeEncoder):
    """Encode the category exactly, with one coordinate for each known value; two categories are `weight` apart.

    Args:
        weight: Distance between two items of different categories.
    """

    def __init__(self, weight: float = 0.5) -> None:
        super().__init__()
        if weight < 0:
            raise LgsidError(f"PartName: weight must not be negative, got {weight}")
        self.weight = weight
        self.n_categories = 0

    def build(self, shape: DataShape) -> None:
        """Take the number of categories from the data."""
        self.n_categories = shape.n_categories

    def forward(self, items: ItemBatch) -> Tensor:
        """Encode items as `(B, dim)` float32; category 0, unknown, is the zero vector."""
        one_hot = torch.nn.functional.one_hot(items.category, self.n_categories)[:, 1:]
        return one_hot.float() * (self.weight / math.sqrt(2.0))
