"""Ties: by recency, then popularity, then against the model; in lists by row."""

import pytest
import torch

from lgsid.functional.ranking import UNRANKED
from lgsid.functional.tie_break import lexicographic_rank, lexicographic_top_k


def draw(seed, b=5, n=17):
    """Few distinct values, so that there are ties of all kinds."""
    g = torch.Generator().manual_seed(seed)
    scores = torch.randint(0, 3, (b, n), generator=g).double()
    scores[torch.rand(b, n, generator=g) < 0.1] = -torch.inf
    recency = torch.randint(0, 3, (b, n), generator=g)
    popularity = torch.randint(0, 3, (b, n), generator=g)
    allowed = torch.rand(b, n, generator=g) < 0.7
    return scores, recency, popularity, torch.randint(0, n, (b,), generator=g), allowed


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("masked", [False, True])
def test_rank_counts_all_that_are_not_worse(seed, masked):
    scores, recency, popularity, target, allowed = draw(seed)
    rank = lexicographic_rank(scores, recency, popularity, target, allowed if masked else None)
    for b, t in enumerate(target.tolist()):
        keys = list(zip(scores[b].tolist(), recency[b].tolist(), popularity[b].tolist(), strict=True))
        competing = [k for i, k in enumerate(keys) if i != t and (not masked or allowed[b, i])]
        absent = keys[t][0] == -torch.inf or (masked and not allowed[b, t])
        assert int(rank[b]) == (UNRANKED if absent else 1 + sum(k >= keys[t] for k in competing))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("k", [1, 4, 17, 30])
@pytest.mark.parametrize("masked", [False, True])
def test_top_k_is_a_sort(seed, k, masked):
    scores, recency, popularity, _, allowed = draw(seed)
    items, best = lexicographic_top_k(scores, recency, popularity, k, allowed if masked else None)
    assert items.shape == best.shape == (5, k)
    for b in range(5):
        rows = [i for i in range(17) if scores[b, i] > -torch.inf and (not masked or allowed[b, i])]
        rows.sort(key=lambda i: (-scores[b, i], -recency[b, i], -popularity[b, i], i))
        expected = (rows + [-1] * k)[:k]
        assert items[b].tolist() == expected
        assert best[b].tolist() == [scores[b, i].item() if i >= 0 else -torch.inf for i in expected]


def test_popularity_of_all_queries_alike():
    scores, recency, popularity, target, _ = draw(9)
    alike = popularity[:1].expand_as(popularity)
    flat = lexicographic_top_k(scores, recency, popularity[0], 6)
    wide = lexicographic_top_k(scores, recency, alike, 6)
    assert torch.equal(flat[0], wide[0])
    assert torch.equal(flat[1], wide[1])
    assert torch.equal(
        lexicographic_rank(scores, recency, popularity[0], target), lexicographic_rank(scores, recency, alike, target)
    )


def test_no_items_no_lists():
    nothing = torch.zeros(3, 0)
    items, scores = lexicographic_top_k(nothing, nothing.long(), torch.zeros(0).long(), 2)
    assert items.tolist() == [[-1, -1]] * 3
    assert bool((scores == -torch.inf).all())
