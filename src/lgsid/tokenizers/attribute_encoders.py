"""Encoders of an item's regions, category and brand."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from lgsid.construction import Describable
from lgsid.errors import LgsidError
from lgsid.typing import DataShape, ItemBatch


class AttributeEncoder(Describable, nn.Module, ABC):
    """Turn regions, category and brand into vectors whose distances count the differences.

    Two items that differ in one attribute only are `weight` of that attribute apart. Code 0 (unknown, no chain) is
    the zero vector, so that two unknown values count as equal.
    """

    @abstractmethod
    def build(self, shape: DataShape) -> None:
        """Take the numbers of values from the data."""

    @abstractmethod
    def forward(self, items: ItemBatch) -> Tensor:
        """Encode items as `(B, dim)` float32."""


def region_weights(weights: float | list[float], n_levels: int) -> list[float]:
    """Return one weight for each region level: the one number given, or the list with its last number repeated."""
    given = [weights] if isinstance(weights, (int, float)) else list(weights)
    return [given[min(level, len(given) - 1)] for level in range(n_levels)] if given else [0.0] * n_levels


def attribute_columns(
    items: ItemBatch, weights: float | list[float], category: float, group: float, brand: float
) -> list[tuple[Tensor, float]]:
    """Return the codes of each attribute with its weight: regions coarse to fine, category, its group, brand."""
    regions = list(items.region.unbind(dim=1))
    columns = list(zip(regions, region_weights(weights, len(regions)), strict=True))
    return [*columns, (items.category, category), (items.category_group, group), (items.brand, brand)]


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
        width: Number of coordinates of each attribute.
        seed: Seed of the hash function.
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
    """Return -1 or 1 for each int64 key, float32, by the finalizer of SplitMix64 (multiplication wraps around)."""
    mixed = keys * -7046029254386353131  # 0x9E3779B97F4A7C15
    for shift, factor in ((30, -4658895280553007687), (27, -7723592293110705685)):
        mixed = (mixed ^ ((mixed >> shift) & ((1 << (64 - shift)) - 1))) * factor
    return ((mixed >> 40) & 1).float() * 2.0 - 1.0
