"""The soft-max over the evidence for items, by ranges of the tree of semantic IDs."""

from __future__ import annotations

import torch
from torch import Tensor

from lgsid.recommenders.item_trie import ItemTrie


class EvidenceMass:
    """Sums of a soft-max over ranges of the sorted items.

    Args:
        scores: Shape (B, N), of the items.
        trie: The semantic IDs.
    """

    def __init__(self, scores: Tensor, trie: ItemTrie) -> None:
        mass = scores.double().softmax(1)[:, trie.order]
        self.total = torch.nn.functional.pad(mass.cumsum(1), (1, 0))  # (B, N + 1)

    def between(self, query: Tensor, start: Tensor, end: Tensor) -> Tensor:
        """Return the mass of a range of the sorted items, shape (C,) float64; see `ItemMass`."""
        return self.total[query, end] - self.total[query, start]
