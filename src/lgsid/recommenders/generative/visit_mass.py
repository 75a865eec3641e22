"""How much of a user's visits lies below a node of the tree of semantic IDs."""

from __future__ import annotations

import torch
from torch import Tensor
from typing_extensions import Self

from lgsid.recommenders.item_trie import ItemTrie


class VisitMass:
    """Sums over the visits of each query at the items of a node: a node is a range of the sorted items.

    Visits are sorted by where their item stands among the sorted items; a sum over a range is then a difference of
    prefix sums, found by bisection, however many items the node holds.

    Args:
        position: Shape (B, T), positions of the visited items among the sorted ones, ascending.
        total: Shape (B, T + 1), sums of the mass of the first visits.
        n_items: Number of items N; positions of padding.
    """

    def __init__(self, position: Tensor, total: Tensor, n_items: int) -> None:
        self.width, self.total = position.shape[1], total
        self.stride = n_items + 1
        offset = torch.arange(len(position), device=position.device)[:, None] * self.stride
        self.flat = (position + offset).flatten()

    @classmethod
    def of(cls, items: Tensor, mass: Tensor, trie: ItemTrie) -> Self:
        """Sort visits.

        Args:
            items: Shape (B, T), item rows, -1 is padding.
            mass: Shape (B, T), of each visit; that of padding does not count.
            trie: The semantic IDs.
        """
        padding = items < 0
        position, order = trie.path[items.clamp_min(0), -1].masked_fill(padding, trie.n_items).sort(dim=1)
        sums = mass.double().masked_fill(padding, 0.0).gather(1, order).cumsum(1)
        return cls(position, torch.nn.functional.pad(sums, (1, 0)), trie.n_items)

    def between(self, query: Tensor, start: Tensor, end: Tensor) -> Tensor:
        """Return the mass of visits at a range of the sorted items, shape (C,) float64, 0 exactly where none is.

        Args:
            query: Shape (C,), ascending.
            start: Shape (C,), first sorted item.
            end: Shape (C,), behind the last one.
        """
        low = torch.searchsorted(self.flat, query * self.stride + start) - query * self.width
        high = torch.searchsorted(self.flat, query * self.stride + end) - query * self.width
        return self.total[query, high] - self.total[query, low]
