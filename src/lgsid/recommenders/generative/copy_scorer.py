"""The mixture of a generator and a pointer over the history in the beam search."""

from __future__ import annotations

import torch
from torch import Tensor

from lgsid.recommenders.generative.beam_search import PrefixScorer
from lgsid.recommenders.generative.history_copy import Copied
from lgsid.recommenders.item_trie import Children, ItemTrie


class CopyScorer(PrefixScorer):
    """Mix the probability of a prefix by the generator with the pointer's attention on items below it.

    The pointer's mass on a prefix is, like everything about a prefix, a difference of prefix sums: past check-ins are
    sorted by where their item stands among the sorted items, and a node is a range of those.

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
        position = trie.path[history.clamp_min(0), -1].masked_fill(history < 0, trie.n_items)
        self.position, order = position.sort(dim=1)  # (B, T); padding comes last
        mass = copied.log_attention.double().exp().masked_fill(history < 0, 0.0).gather(1, order)
        self.mass = torch.nn.functional.pad(mass.cumsum(1), (1, 0))  # (B, T + 1)

    def score(self, depth: int, children: Children) -> Tensor:
        """Return the log-probability of every child's prefix, a mixture of both parts."""
        generated = self.generator.score(depth, children)
        query = children.query
        level = self.trie.levels[depth + 1]
        copied = self.copied_mass(query, level.start[children.node], level.end[children.node])
        return torch.logaddexp(
            self.copied.log_gate[query] + copied.log().float(), self.copied.log_rest[query] + generated
        )

    def copied_mass(self, query: Tensor, start: Tensor, end: Tensor) -> Tensor:
        """Return the attention on past check-ins at items of a range, shape (C,) float64, 0 exactly where none is.

        Args:
            query: Shape (C,), ascending.
            start: Shape (C,), first sorted item.
            end: Shape (C,), behind the last one.
        """
        stride = self.trie.n_items + 1
        flat = (self.position + torch.arange(len(self.position), device=start.device)[:, None] * stride).flatten()
        width = self.position.shape[1]
        low = torch.searchsorted(flat, query * stride + start) - query * width
        high = torch.searchsorted(flat, query * stride + end) - query * width
        return self.mass[query, high] - self.mass[query, low]

    def follow(self, depth: int, children: Children, chosen: Tensor) -> None:
        """Move the generator on; the pointer needs no state."""
        self.generator.follow(depth, children, chosen)
