"""A beam search that is repeated with a wider beam until its answer stays the same."""

from __future__ import annotations

import torch
from torch import Tensor

from lgsid.errors import LgsidError
from lgsid.recommenders import BeamSearch, TreeSearch
from lgsid.recommenders.generative.prefix_scorer import PrefixScorer, States
from lgsid.recommenders.item_trie import ItemTrie


class PartName(TreeSearch):
    """Double the width of the beam until the list is what it was before, or the beam holds everything.

    Args:
        most: How many times the width is doubled at most.
    """

    def __init__(self, most: int = 3) -> None:
        if most < 0:
            raise LgsidError(f"PartName: most must not be negative, got {most}")
        self.most = most

    def find(
        self,
        trie: ItemTrie,
        scorer: PrefixScorer[States],
        n_queries: int,
        width: int,
        k: int,
        allowed: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return rows of the k most probable items of each query (B, k), best first, -1 at the end, and scores."""
        beam = BeamSearch()
        found = beam.find(trie, scorer, n_queries, width, k, allowed)
        for doubling in range(1, self.most + 1):
            before, found = found, beam.find(trie, scorer, n_queries, width * 2**doubling, k, allowed)
            if torch.equal(before[0], found[0]):
                break
        return found
