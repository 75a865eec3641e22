"""Beam search over the tree of semantic IDs: only items that exist, and are allowed, can come out."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from lgsid.functional.ranking import stable_key
from lgsid.recommenders.item_trie import Children, ItemTrie


class PrefixScorer(ABC):
    """A model's view of a search: it follows the beams and scores what can come next."""

    @abstractmethod
    def score(self, depth: int, children: Children) -> Tensor:
        """Return the log-probability of every child's whole prefix.

        Args:
            depth: Depth of the parents, 0..L; the parents are those chosen last by `follow`.
            children: All children of all parents, also of those whose items are not allowed.

        Returns:
            Shape (C,), float32.
        """

    @abstractmethod
    def follow(self, depth: int, children: Children, chosen: Tensor) -> None:
        """Move on to the chosen children.

        Args:
            depth: Depth of the children, 1..L.
            children: What was scored last.
            chosen: Shape (B, W), positions in `children`, -1 is padding.
        """


def beam_search(
    trie: ItemTrie, scorer: PrefixScorer, n_queries: int, width: int, k: int, allowed: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Find the k most probable items of each query.

    Vectorized over queries and beams. Scores are not normalized anew over what is allowed, so a filter never changes
    the order of what passes it. Exact if `width` is at least the number of prefixes of any depth, or if no true
    answer's prefix falls out of the `width` best prefixes.

    Args:
        trie: The semantic IDs that exist.
        scorer: The model.
        n_queries: B.
        width: Prefixes kept at each depth.
        k: Items returned.
        allowed: Shape (N,) or (B, N) bool, the items that may be returned.

    Returns:
        Item rows (B, k) int64, best first, -1 is padding; scores (B, k) float32, minus infinity at padding. Equal
        scores keep the order of the tree.
    """
    device = trie.order.device
    sums = None if allowed is None else trie.prefix_sums(allowed.to(device))
    nodes = torch.zeros(n_queries, 1, dtype=torch.long, device=device)
    nothing = nodes.new_full((n_queries, k), -1), torch.full((n_queries, k), -torch.inf, device=device)
    scores = torch.zeros(n_queries, 1, device=device)
    for depth in range(trie.n_levels + 1):
        children = trie.children(depth, nodes)
        if not len(children.node):
            return nothing
        scores_of_children = scorer.score(depth, children).float()
        if sums is not None:
            alive = trie.alive(depth + 1, children.node, children.query, sums)
            scores_of_children = scores_of_children.masked_fill(~alive, -torch.inf)
        last = depth == trie.n_levels
        chosen, scores = best_per_query(scores_of_children, children.query, n_queries, k if last else width)
        nodes = torch.where(chosen >= 0, children.node[chosen.clamp_min(0)], -1)
        if not last:
            scorer.follow(depth + 1, children, chosen)
    items = torch.where(nodes >= 0, trie.levels[-1].code[nodes.clamp_min(0)], -1)
    padding = max(k - items.shape[1], 0)
    items = torch.nn.functional.pad(items, (0, padding), value=-1)
    return items, torch.nn.functional.pad(scores, (0, padding), value=-torch.inf)


def best_per_query(scores: Tensor, query: Tensor, n_queries: int, width: int) -> tuple[Tensor, Tensor]:
    """Return the best entries of each query, equal scores in their order.

    Args:
        scores: Shape (C,); minus infinity and NaN are never chosen.
        query: Shape (C,), ascending.
        n_queries: B.
        width: Most entries of a query.

    Returns:
        Positions in `scores`, shape (B, W), -1 is padding, and their scores; W is at most `width` and at least 1.
    """
    scores = scores.masked_fill(scores.isnan(), -torch.inf)
    count = torch.bincount(query, minlength=n_queries)
    first = count.cumsum(0) - count
    longest = max(int(count.max()), 1) if n_queries else 1
    table = scores.new_full((n_queries, longest), -torch.inf)
    table[query, torch.arange(len(query), device=query.device) - first[query]] = scores
    column = stable_key(table).topk(min(width, longest), dim=1).indices
    values = table.gather(1, column)
    return torch.where(values > -torch.inf, column + first[:, None], -1), values


def segment_log_softmax(logits: Tensor, segment: Tensor, n_segments: int) -> Tensor:
    """Normalize logits inside segments, with a gradient.

    Args:
        logits: Shape (C,).
        segment: Shape (C,), which segment each belongs to.
        n_segments: Number of segments.

    Returns:
        Shape (C,), log-probabilities that sum to one inside each segment that occurs.
    """
    with torch.no_grad():
        top = logits.new_full((n_segments,), -torch.inf).scatter_reduce(0, segment, logits, "amax")
    shifted = logits - top[segment]
    total = logits.new_zeros(n_segments).index_add(0, segment, shifted.exp())
    return shifted - total.clamp_min(torch.finfo(logits.dtype).tiny)[segment].log()
