"""The evidence for all items below a prefix of semantic IDs."""

from __future__ import annotations

import torch
from torch import Tensor

from lgsid.functional.ranking import NEVER
from lgsid.recommenders.item_trie import Children, ItemTrie


class EvidenceMass:
    """Sum a soft-max over items below the nodes of the tree, so that prefixes are as probable as the items below them.

    A node is a range of the sorted items, its mass a difference of prefix sums. The logarithms are logits: normalized
    over the children of each node on the way down, they give back the soft-max over the items.

    Args:
        scores: Shape (B, N), of the items; `NEVER` where one cannot be.
        trie: The semantic IDs.
    """

    def __init__(self, scores: Tensor, trie: ItemTrie) -> None:
        self.scores, self.trie = scores, trie
        mass = (scores - scores.amax(1, keepdim=True)).double().exp()[:, trie.order]
        self.total = torch.nn.functional.pad(mass.cumsum(1), (1, 0))  # (B, N + 1)

    def log_mass(self, depth: int, children: Children) -> Tensor:
        """Return the logarithm of the mass below children, up to a constant of their query, shape (C,) float32.

        Args:
            depth: Depth of the parents, 0..L.
            children: C children.
        """
        query = children.query
        if depth == self.trie.n_levels:
            return self.scores[query, children.code]
        level = self.trie.levels[depth + 1]
        mass = self.total[query, level.end[children.node]] - self.total[query, level.start[children.node]]
        return torch.where(mass > 0, mass.clamp_min(1e-300).log(), NEVER).float()
