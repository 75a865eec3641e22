"""A generator mixed with distributions over items, in a search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from lgsid.recommenders.generative.prefix_scorer import PrefixScorer, Scored, States
from lgsid.recommenders.item_trie import Children, ItemTrie


class ItemMass(Protocol):
    """A distribution over the items for each query, by ranges of the sorted items."""

    def between(self, query: Tensor, start: Tensor, end: Tensor) -> Tensor:
        """Return the mass of a range of the sorted items, shape (C,) float64, 0 exactly where there is none.

        Args:
            query: Shape (C,), ascending.
            start: Shape (C,), first sorted item.
            end: Shape (C,), behind the last one.
        """


class MixtureScorer(PrefixScorer[States]):
    """Mix the probability of a prefix by the generator with what other distributions hold below it.

    The mixture of distributions over items gives a prefix the same mixture of their masses below it, so that the search
    needs no approximation. A node is a range of the sorted items: its mass is a difference of prefix sums.

    Args:
        generator: Scores prefixes.
        log_weight: Shape (B,), log-probability of the generator.
        parts: Log-probability (B,) and distribution of each other part.
        trie: The semantic IDs.
    """

    def __init__(
        self,
        generator: PrefixScorer[States],
        log_weight: Tensor,
        parts: Sequence[tuple[Tensor, ItemMass]],
        trie: ItemTrie,
    ) -> None:
        self.generator, self.log_weight, self.parts, self.trie = generator, log_weight, parts, trie

    def start(self) -> States:
        """Return the generator's states; the others need none."""
        return self.generator.start()

    def score(self, depth: int, children: Children, parents: States) -> Scored:
        """Return the log-probability of every child's prefix, a mixture of all parts."""
        query = children.query
        level = self.trie.levels[depth + 1]
        start, end = level.start[children.node], level.end[children.node]
        generated = self.generator.score(depth, children, parents).generated
        total = self.log_weight[query] + generated
        for log_weight, mass in self.parts:
            total = torch.logaddexp(log_weight[query] + mass.between(query, start, end).log().float(), total)
        return Scored(total, generated)

    def follow(self, depth: int, children: Children, scored: Scored, parents: States) -> States:
        """Return the generator's states of some children."""
        return self.generator.follow(depth, children, scored, parents)
