"""A few pseudo-random coordinates for each attribute, however many values it has."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lgsid.errors import LgsidError
from lgsid.tokenizers.attribute_encoder import AttributeEncoder, attribute_columns
from lgsid.typing import DataShape, ItemBatch


class HashedAttributes(AttributeEncoder):
    """Encode attributes as hashed signs: constant width, for tens of thousands of brands or regions.

    Every value gets `width` signs from a hash of its code, so that two different values are nearly `weight` apart
    (exactly on average, within about `weight / sqrt(2 * width)`).

    Source: feature hashing (arXiv 0902.2206).

    Args:
        region_weight: Weight of a difference in region: one number, or one for each level, coarse to fine.
        category_weight: Weight of a difference in category.
        category_group_weight: Weight of a difference in the category's group.
        brand_weight: Weight of a difference in brand; places of no chain have none.
        width: Coordinates of each attribute.
        seed: Seed of the hash.
    """

    def __init__(
        self,
        region_weight: float | list[float] = 0.5,
        category_weight: float = 0.3,
        category_group_weight: float = 0.5,
        brand_weight: float = 0.1,
        width: int = 64,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if width < 1:
            raise LgsidError(f"HashedAttributes: width must be at least 1, got {width}")
        self.weights = (region_weight, category_weight, category_group_weight, brand_weight)
        self.width = width
        self.seed = seed

    def build(self, shape: DataShape) -> None:
        """Do nothing: the width does not depend on the data."""

    def forward(self, items: ItemBatch) -> Tensor:
        """Encode items as `(B, dim)` float32, `width` coordinates for each attribute of non-zero weight."""
        blocks = []
        for column, (codes, weight) in enumerate(attribute_columns(items, *self.weights)):
            if weight:
                place = torch.arange(self.width, device=codes.device)
                salt = (self.seed * 64 + column) * self.width
                signs = hashed_signs(codes[:, None] * 0x1_0000_0000 + salt + place)
                blocks.append(signs * (codes > 0)[:, None] * (weight / math.sqrt(2.0 * self.width)))
        return torch.cat(blocks, dim=1) if blocks else items.embedding.new_zeros(len(items), 0)


def hashed_signs(keys: Tensor) -> Tensor:
    """Return -1 or 1 for each int64 key, float32, by the finaliser of SplitMix64 (multiplication wraps around)."""
    mixed = keys * -7046029254386353131  # 0x9E3779B97F4A7C15
    for shift, factor in ((30, -4658895280553007687), (27, -7723592293110705685)):
        mixed = (mixed ^ ((mixed >> shift) & ((1 << (64 - shift)) - 1))) * factor
    return ((mixed >> 40) & 1).float() * 2.0 - 1.0
