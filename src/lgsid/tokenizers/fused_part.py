"""The parts of the fused vector, on which the first code of items is clustered."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor

from lgsid.typing import ItemBatch


class FusedPart(ABC):
    """One part of the fused vector: items to vectors, by their weight.

    `products`, `squares`, `sums` and `sketch` are all that a clustering needs of many items. Parts whose vectors are
    wide override them, so that these are never built.
    """

    @abstractmethod
    def __call__(self, items: ItemBatch) -> Tensor:
        """Return the vectors of items, `(B, dim)` float32."""

    def products(self, items: ItemBatch, rows: Tensor) -> Tensor:
        """Return the inner products of the vectors of items with `rows: (K, dim)`, `(B, K)`, of the type of `rows`."""
        return self(items).to(rows) @ rows.T

    def squares(self, items: ItemBatch) -> Tensor:
        """Return the squared lengths of the vectors of items, `(B,)` float64."""
        return self(items).double().square().sum(dim=1)

    def sums(self, items: ItemBatch, groups: Tensor, n_groups: int) -> Tensor:
        """Return the sums of the vectors of items by their group, `groups: (B,)` -> `(n_groups, dim)` float64."""
        vectors = self(items)
        sums = torch.zeros(n_groups, vectors.shape[1], dtype=torch.float64, device=vectors.device)
        return sums.index_add_(0, groups, vectors.double())

    def sketch(self, items: ItemBatch, max_width: int) -> Tensor:
        """Return the vectors of items, or `(B, width)` float32 of a smaller width with about the same distances.

        Args:
            items: B items.
            max_width: Above which width smaller ones are asked for.
        """
        return self(items)


class DensePart(FusedPart):
    """A part whose vectors a function returns, such as a method of the tokenizer.

    Args:
        encode: Items -> vectors `(B, dim)` float32.
    """

    def __init__(self, encode: Callable[[ItemBatch], Tensor]) -> None:
        self.encode = encode

    def __call__(self, items: ItemBatch) -> Tensor:
        """Return the vectors of items, `(B, dim)` float32."""
        return self.encode(items)
