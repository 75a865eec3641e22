"""Contract tests of searches over the tree of semantic IDs, to inherit in the tests of other packages."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from lgsid.recommenders.generative.prefix_scorer import PrefixScorer, Scored
from lgsid.recommenders.generative.tree_search import TreeSearch
from lgsid.recommenders.item_trie import Children, ItemTrie
from lgsid.testing.part_contract import PartContract
from lgsid.typing import Batch


@dataclass(frozen=True)
class TableStates(Batch):
    """States of M prefixes: whose they are, and how probable the prefix is."""

    query: Tensor  # (M,)
    log_prob: Tensor  # (M,)


class TableScorer(PrefixScorer[TableStates]):
    """A model whose probabilities of all items are a table, so that it is known what a search should find.

    The probability of a prefix is the sum of those of the items below it.

    Args:
        trie: The semantic IDs.
        log_prob: Shape (B, N), log-probabilities of all items.
    """

    def __init__(self, trie: ItemTrie, log_prob: Tensor) -> None:
        self.n_queries = len(log_prob)
        self.nodes = []
        for depth, size in enumerate(trie.n_nodes):
            sums = torch.zeros(self.n_queries, size, dtype=torch.float64)
            sums.index_add_(1, trie.path[:, depth], log_prob.double().exp())
            self.nodes.append(sums.log().float())

    def start(self) -> TableStates:
        """Return the states of the empty prefixes."""
        return TableStates(torch.arange(self.n_queries), torch.zeros(self.n_queries))

    def score(self, depth: int, children: Children, parents: TableStates) -> Scored:
        """Look the children up, for the query that the state of their parent holds."""
        found = self.nodes[depth + 1][parents.query[children.parent], children.node]
        return Scored(found, found)

    def follow(self, depth: int, children: Children, scored: Scored, parents: TableStates) -> TableStates:
        """Return the states of some children."""
        return TableStates(parents.query[children.parent], scored.log_prob)


class TreeSearchContract(PartContract):
    """Contract tests of a search for the most probable items.

    Derive a class whose name starts with `Test` and give it `make`.
    """

    base = TreeSearch
    exact = False
    """Whether it finds the best items however small its width is."""

    @abstractmethod
    def make(self) -> TreeSearch:
        """Return a new search."""

    def tree(self) -> tuple[ItemTrie, Tensor]:
        """Return a tree of 40 items, some of which share a semantic ID, and the log-probabilities of 3 queries."""
        g = torch.Generator().manual_seed(0)
        codes = torch.stack([torch.randint(size, (40,), generator=g) for size in (4, 3, 3)], 1)
        return ItemTrie(codes), torch.randn(3, 40, generator=g).mul(2).log_softmax(1)

    def found(self, width: int, k: int, allowed: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return items and scores, (B, k) each."""
        trie, log_prob = self.tree()
        return self.make().find(trie, TableScorer(trie, log_prob), len(log_prob), width, k, allowed)

    def test_a_wide_search_finds_the_most_probable_items(self) -> None:
        """Followed by as many prefixes as there are, it returns the best k, best first, with their probabilities."""
        _, log_prob = self.tree()
        for k in (1, 7, 40):
            items, scores = self.found(40, k)
            best = log_prob.topk(k)
            assert items.dtype == torch.int64
            assert torch.equal(items, best.indices)
            torch.testing.assert_close(scores, best.values, atol=1e-5, rtol=1e-5)

    def test_what_it_finds_exists_once_and_has_its_score(self) -> None:
        """However narrow: rows are items or -1 behind all of them, scores fall and are those of the model."""
        _, log_prob = self.tree()
        for width in (1, 3, 8):
            items, scores = self.found(width, 6)
            assert items.shape == scores.shape == (3, 6)
            for row, values, known in zip(items, scores, log_prob, strict=True):
                real = row[row >= 0]
                assert bool((row[len(real) :] == -1).all())
                assert bool((values[len(real) :] == -torch.inf).all())
                assert len(real.unique()) == len(real)
                torch.testing.assert_close(values[: len(real)], known[real], atol=1e-5, rtol=1e-5)
                assert bool((values[: len(real)].diff() <= 0).all())
            if self.exact:
                assert torch.equal(items, log_prob.topk(6).indices)

    def test_only_allowed_items_are_found_with_the_scores_that_they_have(self) -> None:
        """A mask for all queries or one for each; where fewer are allowed than asked for the rest is padding."""
        _, log_prob = self.tree()
        g = torch.Generator().manual_seed(1)
        for allowed in (torch.arange(40) < 5, torch.rand(3, 40, generator=g) < 0.2):
            items, scores = self.found(40, 6, allowed)
            masked = log_prob.masked_fill(~allowed.expand(3, 40), -torch.inf)
            best = masked.topk(6)
            assert torch.equal(items, best.indices.masked_fill(best.values == -torch.inf, -1))
            torch.testing.assert_close(scores, best.values, atol=1e-5, rtol=1e-5)
        assert bool((self.found(40, 3, torch.zeros(40, dtype=torch.bool))[0] == -1).all())

    def test_more_than_there_are(self) -> None:
        """Asked for more items than exist, it returns all of them and padding."""
        items, scores = self.found(40, 43)
        assert items.shape == scores.shape == (3, 43)
        assert torch.equal(items[:, :40].sort(1).values, torch.arange(40).expand(3, 40))
        assert bool((items[:, 40:] == -1).all())
        assert bool((scores[:, 40:] == -torch.inf).all())

    def test_a_query_alone_finds_what_it_finds_among_others(self) -> None:
        """Queries do not know each other."""
        trie, log_prob = self.tree()
        items, scores = self.found(4, 5)
        for b in range(3):
            alone, values = self.make().find(trie, TableScorer(trie, log_prob[b : b + 1]), 1, 4, 5)
            assert torch.equal(alone[0], items[b])
            torch.testing.assert_close(values[0], scores[b])
