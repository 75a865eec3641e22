"""One coordinate for each value of each attribute."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from lgsid.tokenizers.attribute_encoder import AttributeEncoder, attribute_columns
from lgsid.typing import DataShape, ItemBatch


class OneHotAttributes(AttributeEncoder):
    """Encode attributes exactly, with one coordinate for each known value.

    Args:
        region_weight: Weight of a difference in region: one number, or one for each level, coarse to fine.
        category_weight: Weight of a difference in category.
        category_group_weight: Weight of a difference in the category's group.
        brand_weight: Weight of a difference in brand; places of no chain have none.
    """

    def __init__(
        self,
        region_weight: float | list[float] = 0.5,
        category_weight: float = 0.3,
        category_group_weight: float = 0.5,
        brand_weight: float = 0.1,
    ) -> None:
        super().__init__()
        self.weights = (region_weight, category_weight, category_group_weight, brand_weight)
        self.sizes: tuple[int, ...] = ()

    def build(self, shape: DataShape) -> None:
        """Take the numbers of values from the data."""
        self.sizes = (*shape.n_regions, shape.n_categories, shape.n_category_groups, shape.n_brands)

    def forward(self, items: ItemBatch) -> Tensor:
        """Encode items as `(B, dim)` float32, one block of coordinates for each attribute."""
        blocks = []
        for (codes, weight), size in zip(attribute_columns(items, *self.weights), self.sizes, strict=True):
            if weight and size > 1:
                # two different values are sqrt(2) apart; the first coordinate, code 0, is dropped
                blocks.append(one_hot(codes, size)[:, 1:].float() * (weight / math.sqrt(2.0)))
        return torch.cat(blocks, dim=1) if blocks else items.embedding.new_zeros(len(items), 0)
