"""How the most probable items are looked for in the tree of semantic IDs."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor

from lgsid.construction import Describable
from lgsid.recommenders.generative.prefix_scorer import PrefixScorer, States
from lgsid.recommenders.item_trie import ItemTrie


class TreeSearch(Describable, ABC):
    """Find the most probable items: only items that exist, and are allowed, can come out."""

    @abstractmethod
    def find(
        self,
        trie: ItemTrie,
        scorer: PrefixScorer[States],
        n_queries: int,
        width: int,
        k: int,
        allowed: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Find the k most probable items of each query.

        Scores are not normalized anew over what is allowed, so a filter never changes the order of what passes it.

        Args:
            trie: The semantic IDs that exist.
            scorer: The model.
            n_queries: B.
            width: Prefixes of a query that are followed at a time.
            k: Items returned.
            allowed: Shape (N,) or (B, N) bool, the items that may be returned.

        Returns:
            Item rows (B, k) int64, best first, -1 is padding; scores (B, k) float32, minus infinity at padding. Equal
            scores keep the order of the tree.
        """
