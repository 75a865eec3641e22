"""Exact search over the tree of semantic IDs: branch and bound, the best prefixes first."""

from __future__ import annotations

import torch
from torch import Tensor

from lgsid.functional.segments import best_per_segment
from lgsid.recommenders.generative.best_items import BestItems
from lgsid.recommenders.generative.open_prefixes import OpenPrefixes
from lgsid.recommenders.generative.prefix_scorer import PrefixScorer, States
from lgsid.recommenders.generative.tree_search import TreeSearch
from lgsid.recommenders.item_trie import ItemTrie


class BestFirstSearch(TreeSearch):
    """Find the true k best items: follow the best open prefixes until none can lead to a better one.

    The probability of a prefix bounds that of every item below it. A round is a beam search over what is open: at each
    depth it follows the `width` best prefixes of each query whose bound beats the k-th best item so far. What is left
    stays open for later rounds, or is dropped for good once its bound is beaten; the search ends when nothing is open.
    The first round is exactly `BeamSearch`, the later ones find what that has missed: a complete beam search (Zhang,
    Complete Anytime Beam Search, AAAI 1998). Exact up to the rounding of scores.

    Time and memory follow the number of prefixes that are more probable than the k-th best item: few for a model that
    is sure of itself, most of the tree for one that knows nothing.
    """

    def find(
        self,
        trie: ItemTrie,
        scorer: PrefixScorer[States],
        n_queries: int,
        width: int,
        k: int,
        allowed: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Find the k most probable items of each query; see `TreeSearch`."""
        device = trie.order.device
        sums = None if allowed is None else trie.prefix_sums(allowed.to(device))
        best = BestItems.none(n_queries, k, trie.n_items, device)
        waiting = {0: OpenPrefixes.root(scorer.start(), torch.arange(n_queries, device=device))}  # by depth
        while waiting:
            for depth in range(trie.n_levels + 1):
                if depth not in waiting:
                    continue
                followed, left = self.choose(waiting.pop(depth), depth, trie, best, width)
                if len(left):
                    waiting[depth] = left
                parents = followed.parents
                if depth:
                    parents = scorer.follow(depth, followed.children, followed.scored, parents)
                children = trie.children(depth, followed.children.node, followed.children.query)
                scored = scorer.score(depth, children, parents)
                start = trie.levels[depth + 1].start[children.node]
                hopeful = best.beaten_by(scored.log_prob, children.query, start)
                if sums is not None:
                    hopeful &= trie.alive(depth + 1, children.node, children.query, sums)
                below = OpenPrefixes(children, scored, parents).take(hopeful)
                if depth == trie.n_levels:
                    best = best.joined_with(below.scored.log_prob, below.children.query, below.children.node)
                elif len(below):
                    waiting[depth + 1] = waiting[depth + 1].joined_with(below) if depth + 1 in waiting else below
        items = torch.nn.functional.pad(trie.order, (0, 1), value=-1)[best.position]
        return items, best.score

    def choose(
        self, prefixes: OpenPrefixes[States], depth: int, trie: ItemTrie, best: BestItems, width: int
    ) -> tuple[OpenPrefixes[States], OpenPrefixes[States]]:
        """Return the prefixes of a depth that are followed now, and those that stay open; others cannot help."""
        children, bound = prefixes.children, prefixes.scored.log_prob
        hopeful = best.beaten_by(bound, children.query, trie.levels[depth].start[children.node])
        n_queries = len(best.score)
        chosen, _ = best_per_segment(bound.masked_fill(~hopeful, -torch.inf), children.query, n_queries, width)
        chosen = chosen[chosen >= 0]
        return prefixes.take(chosen), prefixes.take(hopeful.index_fill(0, chosen, False))
