"""Encoders of an item's regions, category and brand."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding_bag

from lgsid.construction import Describable
from lgsid.errors import LgsidError
from lgsid.functional.hashed_signs import hashed_signs
from lgsid.tokenizers.fused_part import FusedPart
from lgsid.typing import DataShape, ItemBatch

SKETCH = 256  # random projections of wide vectors


class AttributeEncoder(Describable, nn.Module, FusedPart, ABC):
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

    Tens of thousands of values cost no more memory than a few: an item is kept as the places of its coordinates that
    are not zero. Only the start of a clustering, where there are more than `SKETCH` coordinates, is found among
    `SKETCH` random projections of them, which keep distances to about 5 % (arXiv 0902.2206).

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

    @property
    def dim(self) -> int:
        """Width of the vectors."""
        return sum(size - 1 for size, _ in self._blocks())

    def _blocks(self) -> list[tuple[int, int]]:
        """Return the size and the position of each attribute that has a weight and known values."""
        weights = (*region_weights(self.weights[0], len(self.sizes) - 3), *self.weights[1:])
        return [
            (size, at) for at, (size, weight) in enumerate(zip(self.sizes, weights, strict=True)) if weight and size > 1
        ]

    def entries(self, items: ItemBatch) -> tuple[Tensor, Tensor]:
        """Return the coordinates of items that are not zero, `(B, A)` int64, and their values, `(B, A)` float32.

        Code 0 has none; its value is 0.
        """
        columns, places, values, start = attribute_columns(items, *self.weights), [], [], 0
        for size, at in self._blocks():
            codes, weight = columns[at]
            places.append(start + (codes - 1).clamp_min(0))
            # two different values are sqrt(2) apart
            values.append((codes > 0).float() * (weight / math.sqrt(2.0)))
            start += size - 1
        none = items.item.new_zeros(len(items), 0)
        return (torch.stack(places, dim=1), torch.stack(values, dim=1)) if places else (none, none.float())

    def forward(self, items: ItemBatch) -> Tensor:
        """Encode items as `(B, dim)` float32, one block of coordinates for each attribute."""
        places, values = self.entries(items)
        return values.new_zeros(len(items), self.dim).scatter_(1, places, values)

    def products(self, items: ItemBatch, rows: Tensor) -> Tensor:
        """Return the inner products of the vectors of items with `rows: (K, dim)`, `(B, K)`."""
        places, values = self.entries(items)
        if not places.numel():
            return rows.new_zeros(len(items), len(rows))
        return embedding_bag(places, rows.T.contiguous(), per_sample_weights=values.to(rows), mode="sum")

    def squares(self, items: ItemBatch) -> Tensor:
        """Return the squared lengths of the vectors of items, `(B,)` float64."""
        return self.entries(items)[1].double().square().sum(dim=1)

    def sums(self, items: ItemBatch, groups: Tensor, n_groups: int) -> Tensor:
        """Return the sums of the vectors of items by their group, `groups: (B,)` -> `(n_groups, dim)` float64."""
        places, values = self.entries(items)
        flat = (groups[:, None] * self.dim + places).flatten()
        sums = torch.zeros(n_groups * self.dim, dtype=torch.float64, device=flat.device)
        return sums.index_add_(0, flat, values.double().flatten()).reshape(n_groups, self.dim)

    def sketch(self, items: ItemBatch, max_width: int) -> Tensor:
        """Return the vectors of items, or `SKETCH` random projections of them where they are wider than asked for."""
        if self.dim <= max(max_width, SKETCH):
            return super().sketch(items, max_width)
        keys = torch.arange(self.dim * SKETCH, device=items.item.device).reshape(self.dim, SKETCH)
        return self.products(items, hashed_signs(keys).T / math.sqrt(SKETCH))


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
                known, at = torch.unique(codes, return_inverse=True)
                place = torch.arange(self.width, device=codes.device)
                salt = (self.seed * 64 + column) * self.width
                signs = hashed_signs(known[:, None] * 0x1_0000_0000 + salt + place)
                blocks.append((signs * (known > 0)[:, None] * (weight / math.sqrt(2.0 * self.width)))[at])
        return torch.cat(blocks, dim=1) if blocks else items.embedding.new_zeros(len(items), 0)
