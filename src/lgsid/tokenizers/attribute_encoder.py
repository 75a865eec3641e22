"""The contract of an encoder of item attributes."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from lgsid.typing import DataShape, ItemBatch


class AttributeEncoder(nn.Module, ABC):
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
