"""The sorted-array trie and the beam search on it, against dictionaries and brute force."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lgsid.recommenders.generative.beam_search import PrefixScorer, beam_search, best_per_query, segment_log_softmax
from lgsid.recommenders.item_trie import ItemTrie

SHAPES = [(1, (3,)), (7, (2, 5)), (40, (4, 3, 6)), (60, (3, 2, 2, 2)), (30, (30,))]


def random_codes(n, sizes, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.stack([torch.randint(0, size, (n,), generator=generator) for size in sizes], 1)


class Table(PrefixScorer):
    """Any fixed item probabilities: a prefix has the sum of its items'."""

    def __init__(self, trie, log_p):
        self.trie = trie
        self.p = log_p.exp()[:, trie.order]

    def score(self, depth, children):
        level = self.trie.levels[depth + 1]
        ranges = zip(children.query, level.start[children.node], level.end[children.node], strict=True)
        return torch.tensor([float(self.p[q, s:e].sum()) for q, s, e in ranges]).log()

    def follow(self, depth, children, chosen):
        pass


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
            found = trie.children(depth, torch.tensor([[node]]))
            if depth < len(sizes):
                assert found.code.tolist() == sorted({rows[i][depth] for i in members})
            else:
                assert set(found.code.tolist()) == members
    assert trie.n_nodes[-1] == n
    assert (trie.levels[-1].code[trie.path[:, -1]] == torch.arange(n)).all()


def test_children_of_a_ragged_beam_with_padding():
    codes = random_codes(50, (5, 6))
    trie = ItemTrie(codes)
    nodes = torch.tensor([[2, -1, 0], [-1, -1, -1], [1, 4, 3]])
    found = trie.children(1, nodes)
    expected = []
    for parent, node in enumerate(nodes.flatten().tolist()):
        if node >= 0:
            expected += [(parent, c) for c in trie.children(1, torch.tensor([[node]])).code.tolist()]
    assert list(zip(found.parent.tolist(), found.code.tolist(), strict=True)) == expected
    assert (found.query == found.parent // 3).all()


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
def test_wide_beam_is_brute_force(n, sizes, masked):
    trie = ItemTrie(random_codes(n, sizes))
    generator = torch.Generator().manual_seed(5)
    log_p = torch.randn(3, n, generator=generator).log_softmax(1)
    allowed = torch.rand(3, n, generator=generator) < 0.4 if masked else None
    items, scores = beam_search(trie, Table(trie, log_p), 3, n, n + 2, allowed)
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
)
def test_any_beam_returns_only_allowed_items_once(n, sizes, width, k, seed, share):
    trie = ItemTrie(random_codes(n, sizes, seed))
    generator = torch.Generator().manual_seed(seed)
    log_p = torch.randn(2, n, generator=generator).log_softmax(1)
    allowed = torch.rand(n, generator=generator) < share
    items, scores = beam_search(trie, Table(trie, log_p), 2, width, k, allowed)
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


def test_best_per_query_keeps_the_order_of_equals():
    scores = torch.tensor([1.0, 3.0, 3.0, torch.nan, -torch.inf, 2.0, 3.0])
    query = torch.tensor([0, 0, 0, 0, 2, 2, 2])
    chosen, values = best_per_query(scores, query, 4, 3)
    assert chosen.tolist() == [[1, 2, 0], [-1, -1, -1], [6, 5, -1], [-1, -1, -1]]
    assert values[0].tolist() == [3.0, 3.0, 1.0]


def test_segment_log_softmax_is_log_softmax_by_segment_with_its_gradient():
    logits = torch.randn(9, dtype=torch.float64, requires_grad=True)
    segment = torch.tensor([0, 0, 0, 2, 2, 3, 3, 3, 3])
    found = segment_log_softmax(logits, segment, 5)
    expected = torch.cat([part.log_softmax(0) for part in logits.split([3, 2, 4])])
    assert torch.allclose(found, expected)
    weights = torch.randn(9, dtype=torch.float64)
    one = torch.autograd.grad((found * weights).sum(), logits)[0]
    two = torch.autograd.grad((expected * weights).sum(), logits)[0]
    assert torch.allclose(one, two)
    far = segment_log_softmax(torch.tensor([1e4, -1e4, 0.0]), torch.tensor([0, 0, 1]), 2)
    assert far.tolist() == [0.0, -2e4, 0.0]


def test_permuting_items_permutes_the_answer():
    codes = random_codes(25, (5, 5, 5), 3)
    codes = codes[~torch.tensor([row in codes.tolist()[:i] for i, row in enumerate(codes.tolist())])]  # no collisions
    log_p = torch.randn(2, len(codes)).log_softmax(1)
    order = torch.randperm(len(codes))
    one, two = ItemTrie(codes), ItemTrie(codes[order])
    first = beam_search(one, Table(one, log_p), 2, 6, 6)[0]
    second = beam_search(two, Table(two, log_p[:, order]), 2, 6, 6)[0]
    assert torch.equal(first, order[second])


def test_every_subset_of_a_small_tree():
    codes = torch.tensor([[0, 0], [0, 0], [0, 1], [2, 0]])
    trie = ItemTrie(codes)
    log_p = torch.tensor([[0.1, 0.4, 0.2, 0.3]]).log()
    for flags in itertools.product([False, True], repeat=4):
        items, _ = beam_search(trie, Table(trie, log_p), 1, 4, 4, torch.tensor(flags))
        assert items[0].tolist() == [i for i in (1, 3, 2, 0) if flags[i]] + [-1] * (4 - sum(flags))
