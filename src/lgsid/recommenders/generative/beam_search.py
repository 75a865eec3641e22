"""Beam search over the tree of semantic IDs."""

from __future__ import annotations

import torch
from torch import Tensor

from lgsid.functional.segments import best_per_segment
from lgsid.recommenders.generative.prefix_scorer import PrefixScorer, States
from lgsid.recommenders.generative.tree_search import TreeSearch
from lgsid.recommenders.item_trie import ItemTrie


class BeamSearch(TreeSearch):
    """Follow the best `width` prefixes of each depth.

    Exact if `width` is at least the number of prefixes of any depth, or if no true answer's prefix falls out of the
    `width` best ones; `BestFirstSearch` is always exact.
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
        query = torch.arange(n_queries, device=device)
        nodes, states = torch.zeros_like(query), scorer.start()
        for depth in range(trie.n_levels + 1):
            children = trie.children(depth, nodes, query)
            scored = scorer.score(depth, children, states)
            log_prob = scored.log_prob
            if sums is not None:
                alive = trie.alive(depth + 1, children.node, children.query, sums)
                log_prob = log_prob.masked_fill(~alive, -torch.inf)
            kept = width if depth < trie.n_levels else k
            chosen, scores = best_per_segment(log_prob, children.query, n_queries, kept)
            if depth < trie.n_levels:
                picked = chosen[chosen >= 0]
                children, scored = children.take(picked), scored.take(picked)
                states = scorer.follow(depth + 1, children, scored, states)
                nodes, query = children.node, children.query
        items = torch.full_like(chosen, -1)
        items[chosen >= 0] = children.code[chosen[chosen >= 0]]
        padding = k - items.shape[1]
        items = torch.nn.functional.pad(items, (0, padding), value=-1)
        return items, torch.nn.functional.pad(scores, (0, padding), value=-torch.inf)
