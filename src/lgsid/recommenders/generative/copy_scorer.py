"""The mixture of a generator and a pointer over the history in the beam search."""

from __future__ import annotations

import torch
from torch import Tensor

from lgsid.recommenders.generative.beam_search import PrefixScorer
from lgsid.recommenders.generative.history_copy import Copied
from lgsid.recommenders.generative.visit_mass import VisitMass
from lgsid.recommenders.item_trie import Children, ItemTrie


class CopyScorer(PrefixScorer):
    """Mix the probability of a prefix by the generator with the pointer's attention on items below it.

    The pointer's mass on a prefix is, like everything about a prefix, a difference of prefix sums (`VisitMass`).

    Args:
        generator: Scores prefixes without the pointer.
        copied: Where the pointer points, and the gate of the mixture.
        history: Shape (B, T), item rows of the past check-ins, -1 is padding.
        trie: The semantic IDs.
    """

    def __init__(self, generator: PrefixScorer, copied: Copied, history: Tensor, trie: ItemTrie) -> None:
        self.generator = generator
        self.copied = copied
        self.trie = trie
        self.mass = VisitMass.of(history, copied.log_attention.double().exp(), trie)

    def score(self, depth: int, children: Children) -> Tensor:
        """Return the log-probability of every child's prefix, a mixture of both parts."""
        generated = self.generator.score(depth, children)
        query = children.query
        level = self.trie.levels[depth + 1]
        copied = self.mass.between(query, level.start[children.node], level.end[children.node])
        return torch.logaddexp(
            self.copied.log_gate[query] + copied.log().float(), self.copied.log_rest[query] + generated
        )

    def follow(self, depth: int, children: Children, chosen: Tensor) -> None:
        """Move the generator on; the pointer needs no state."""
        self.generator.follow(depth, children, chosen)
