"""The sorted-array trie and the searches on it, against dictionaries and brute force."""

import itertools
from dataclasses import dataclass

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lgsid.recommenders.generative.beam_search import BeamSearch
from lgsid.recommenders.generative.best_first_search import BestFirstSearch
from lgsid.recommenders.generative.prefix_scorer import PrefixScorer, Scored
from lgsid.recommenders.item_trie import ItemTrie
from lgsid.typing import Batch

SHAPES = [(1, (3,)), (7, (2, 5)), (40, (4, 3, 6)), (60, (3, 2, 2, 2)), (30, (30,)), (25, (2**40, 3, 2**30, 2**33, 2))]


def random_codes(n, sizes, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.stack([torch.randint(0, size, (n,), generator=generator) for size in sizes], 1)


SEARCHES = [BeamSearch(), BestFirstSearch()]


@dataclass(frozen=True)
class Walked(Batch):
    """States that know which node they are of, so that a search that mixes them up is caught."""

    query: torch.Tensor
    node: torch.Tensor


class Table(PrefixScorer):
    """Any fixed item probabilities: a prefix has the sum of its items'."""

    def __init__(self, trie, log_p):
        self.trie = trie
        self.p = log_p.exp().double()[:, trie.order]

    def start(self):
        return Walked(torch.arange(len(self.p)), torch.zeros(len(self.p), dtype=torch.long))

    def score(self, depth, children, parents):
        above, level = self.trie.levels[depth], self.trie.levels[depth + 1]
        node = parents.node[children.parent]
        assert torch.equal(parents.query[children.parent], children.query)
        assert (above.start[node] <= level.start[children.node]).all()
        assert (level.end[children.node] <= above.end[node]).all()
        return self.table(depth, children)

    def table(self, depth, children):
        level = self.trie.levels[depth + 1]
        ranges = zip(children.query, level.start[children.node], level.end[children.node], strict=True)
        log_prob = torch.tensor([float(self.p[q, s:e].sum()) for q, s, e in ranges]).log()
        return Scored(log_prob, log_prob + 1)

    def follow(self, depth, children, scored, parents):
        assert torch.equal(scored.generated, self.table(depth - 1, children).generated)
        assert (children.query[1:] >= children.query[:-1]).all()
        return Walked(parents.query[children.parent], children.node)


@pytest.mark.parametrize(("n", "sizes"), SHAPES)
def test_trie_is_the_set_of_prefixes(n, sizes):
    codes = random_codes(n, sizes)
    trie = ItemTrie(codes)
    rows = codes.tolist()
    assert [rows[i] for i in trie.order] == sorted(rows)
    for depth in range(len(sizes) + 1):
        prefixes = sorted({tuple(row[:depth]) for row in rows})
        level = trie.levels[depth]
        assert trie.n_nodes[depth] == len(prefixes)
        for node, prefix in enumerate(prefixes):
            members = {i for i in range(n) if tuple(rows[i][:depth]) == prefix}
            assert set(trie.order[level.start[node] : level.end[node]].tolist()) == members
            assert {i for i in range(n) if trie.path[i, depth] == node} == members
            found = trie.children(depth, torch.tensor([node]), torch.tensor([0]))
            if depth < len(sizes):
                assert found.code.tolist() == sorted({rows[i][depth] for i in members})
            else:
                assert set(found.code.tolist()) == members
    assert trie.n_nodes[-1] == n
    assert (trie.levels[-1].code[trie.path[:, -1]] == torch.arange(n)).all()


def test_children_of_ragged_beams():
    codes = random_codes(50, (5, 6))
    trie = ItemTrie(codes)
    nodes, query = torch.tensor([2, 0, 1, 4, 3]), torch.tensor([0, 0, 2, 2, 2])
    found = trie.children(1, nodes, query)
    expected = []
    for parent, node in enumerate(nodes.tolist()):
        alone = trie.children(1, torch.tensor([node]), query[:1])
        expected += [(parent, n, c) for n, c in zip(alone.node.tolist(), alone.code.tolist(), strict=True)]
    assert list(zip(found.parent.tolist(), found.node.tolist(), found.code.tolist(), strict=True)) == expected
    assert torch.equal(found.query, query[found.parent])
    assert not len(trie.children(1, nodes[:0], query[:0]))


@pytest.mark.parametrize(("n", "sizes"), SHAPES)
def test_alone_is_one_semantic_id(n, sizes):
    codes = random_codes(n, sizes)
    trie = ItemTrie(codes)
    for depth in range(len(sizes) + 2):
        for node, alone in enumerate(trie.levels[depth].alone.tolist()):
            below = trie.path[:, depth] == node
            assert alone == (len(codes[below].unique(dim=0)) == 1)


@pytest.mark.parametrize("per_query", [False, True])
def test_alive_is_any(per_query):
    codes = random_codes(30, (3, 4), 1)
    trie = ItemTrie(codes)
    allowed = torch.rand((4, 30) if per_query else 30, generator=torch.Generator().manual_seed(0)) < 0.2
    sums = trie.prefix_sums(allowed)
    masks = allowed.expand(4, 30)
    for depth in range(4):
        for node in range(trie.n_nodes[depth]):
            nodes = torch.full((4,), node)
            alive = trie.alive(depth, nodes, torch.arange(4), sums)
            below = trie.path[:, depth] == node
            assert alive.tolist() == [bool((mask & below).any()) for mask in masks]


@pytest.mark.parametrize(("n", "sizes"), SHAPES)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(("search", "width"), [(BeamSearch(), 60), (BestFirstSearch(), 1), (BestFirstSearch(), 3)])
def test_search_is_brute_force(n, sizes, masked, search, width):
    trie = ItemTrie(random_codes(n, sizes))
    generator = torch.Generator().manual_seed(5)
    log_p = torch.randn(3, n, generator=generator).log_softmax(1)
    allowed = torch.rand(3, n, generator=generator) < 0.4 if masked else None
    items, scores = search.find(trie, Table(trie, log_p), 3, width, n + 2, allowed)
    for b in range(3):
        pool = [i for i in range(n) if allowed is None or allowed[b, i]]
        expected = sorted(pool, key=lambda i: -float(log_p[b, i]))
        assert items[b].tolist() == expected + [-1] * (n + 2 - len(expected))
        assert scores[b, : len(expected)].tolist() == pytest.approx([float(log_p[b, i]) for i in expected], abs=1e-5)
        assert (scores[b, len(expected) :] == -torch.inf).all()


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(1, 25),
    sizes=st.lists(st.integers(1, 6), min_size=1, max_size=4),
    width=st.integers(1, 9),
    k=st.integers(1, 12),
    seed=st.integers(0, 1000),
    share=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    search=st.sampled_from(SEARCHES),
)
def test_any_search_returns_only_allowed_items_once(n, sizes, width, k, seed, share, search):
    trie = ItemTrie(random_codes(n, sizes, seed))
    generator = torch.Generator().manual_seed(seed)
    log_p = torch.randn(2, n, generator=generator).log_softmax(1)
    allowed = torch.rand(n, generator=generator) < share
    items, scores = search.find(trie, Table(trie, log_p), 2, width, k, allowed)
    assert items.shape == scores.shape == (2, k)
    for row, values in zip(items.tolist(), scores, strict=True):
        real = [i for i in row if i >= 0]
        assert row == real + [-1] * (k - len(real))
        assert len(set(real)) == len(real)
        assert all(allowed[i] for i in real)
        assert len(real) == k or len(real) <= int(allowed.sum())
        assert (values[:-1] >= values[1:]).all()
        if allowed.any():
            assert real  # something is reachable, so something is returned


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(1, 40),
    sizes=st.lists(st.integers(1, 6), min_size=1, max_size=4),
    width=st.integers(1, 9),
    k=st.integers(1, 50),
    seed=st.integers(0, 1000),
    share=st.sampled_from([0.0, 0.2, 1.0]),
)
def test_best_first_is_brute_force_with_ties(n, sizes, width, k, seed, share):
    """Weights are powers of two from a few, so that sums are exact and equal scores abound."""
    trie = ItemTrie(random_codes(n, sizes, seed))
    generator = torch.Generator().manual_seed(seed)
    log_p = torch.randint(-4, 0, (3, n), generator=generator).double().exp2().log()
    allowed = torch.rand(3, n, generator=generator) < share
    scorer = Table(trie, log_p)
    items, scores = BestFirstSearch().find(trie, scorer, 3, width, k, allowed)
    place = {item: i for i, item in enumerate(trie.order.tolist())}
    for b in range(3):
        score = {i: float(scorer.p[b, place[i]].float().log()) for i in range(n) if allowed[b, i]}
        expected = sorted(score, key=lambda i: (-score[i], place[i]))[:k]
        assert items[b].tolist() == expected + [-1] * (k - len(expected))
        assert scores[b].tolist() == [score[i] for i in expected] + [-torch.inf] * (k - len(expected))


def test_best_first_finds_what_a_beam_loses_and_follows_no_more_than_it_must():
    """The best item hides behind the worse prefix; prefixes below the k-th best score are never followed."""
    codes = torch.tensor([[0, 0], [0, 1], [0, 2], [1, 0], [2, 0], [2, 1]])
    trie = ItemTrie(codes)
    log_p = torch.tensor([[0.2, 0.2, 0.1, 0.35, 0.1, 0.05]]).log()
    followed = []

    class Watched(Table):
        def follow(self, depth, children, scored, parents):
            followed.extend((depth, node) for node in children.node.tolist())
            return super().follow(depth, children, scored, parents)

    assert BeamSearch().find(trie, Watched(trie, log_p), 1, 1, 1)[0].tolist() == [[0]]
    followed.clear()
    assert BestFirstSearch().find(trie, Watched(trie, log_p), 1, 1, 1)[0].tolist() == [[3]]
    assert (1, 2) not in followed


def test_permuting_items_permutes_the_answer():
    codes = random_codes(25, (5, 5, 5), 3)
    codes = codes[~torch.tensor([row in codes.tolist()[:i] for i, row in enumerate(codes.tolist())])]  # no collisions
    log_p = torch.randn(2, len(codes)).log_softmax(1)
    order = torch.randperm(len(codes))
    one, two = ItemTrie(codes), ItemTrie(codes[order])
    for search in SEARCHES:
        first = search.find(one, Table(one, log_p), 2, 6, 6)[0]
        second = search.find(two, Table(two, log_p[:, order]), 2, 6, 6)[0]
        assert torch.equal(first, order[second])


def test_every_subset_of_a_small_tree():
    codes = torch.tensor([[0, 0], [0, 0], [0, 1], [2, 0]])
    trie = ItemTrie(codes)
    log_p = torch.tensor([[0.1, 0.4, 0.2, 0.3]]).log()
    for flags in itertools.product([False, True], repeat=4):
        for search in SEARCHES:
            items, _ = search.find(trie, Table(trie, log_p), 1, 4, 4, torch.tensor(flags))
            assert items[0].tolist() == [i for i in (1, 3, 2, 0) if flags[i]] + [-1] * (4 - sum(flags))
