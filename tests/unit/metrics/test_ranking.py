"""Ranks, hits and slices against plain loops."""

import math

import numpy as np
import pytest
import torch

from lgsid.functional.ranking import UNRANKED, hit_at, list_rank, ndcg_at, pessimistic_rank, reciprocal_rank_at, top_k
from lgsid.metrics.ranking import RankingMetrics


def slow_rank(scores, target, allowed):
    """Place the target behind everything that is allowed and not worse."""
    if not allowed[target]:
        return UNRANKED
    return 1 + sum(1 for i, s in enumerate(scores) if i != target and allowed[i] and (s >= scores[target]))


@pytest.mark.parametrize("per_query", [False, True])
def test_pessimistic_rank_is_the_loop(per_query):
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 5, (40, 17)).astype(np.float32)  # many ties
    allowed = rng.random((40, 17) if per_query else 17) < 0.7
    target = rng.integers(0, 17, 40)
    masks = np.broadcast_to(allowed, scores.shape)
    expected = [slow_rank(s, t, a) for s, t, a in zip(scores, target, masks, strict=True)]
    found = pessimistic_rank(torch.tensor(scores), torch.tensor(target), torch.tensor(allowed))
    assert found.tolist() == expected


def test_constant_scores_and_nan_never_help():
    target = torch.tensor([3, 3])
    scores = torch.stack([torch.zeros(9), torch.full((9,), torch.nan)])
    assert pessimistic_rank(scores, target).tolist() == [9, 9]


def test_list_rank_agrees_with_full_rank_and_flags_the_missing():
    generator = torch.Generator().manual_seed(1)
    scores = torch.randint(0, 4, (50, 12), generator=generator).float()
    target = torch.randint(0, 12, (50,), generator=generator)
    items, values = top_k(scores, 12)
    assert torch.equal(list_rank(items, values, target), pessimistic_rank(scores, target))
    items, values = items[:, :3], values[:, :3]
    rank = list_rank(items, values, target)
    assert ((rank == UNRANKED) == ~(items == target[:, None]).any(1)).all()
    empty = list_rank(items[:, :0], values[:, :0], target)
    assert (empty == UNRANKED).all()


def test_top_k_is_a_stable_sort_with_padding():
    generator = torch.Generator().manual_seed(2)
    scores = torch.randint(-2, 3, (30, 11), generator=generator).float() / 2
    scores[:, 4] = -0.0
    scores[:, 5] = torch.nan
    allowed = torch.rand(30, 11, generator=generator) < 0.5
    items, values = top_k(scores, 14, allowed)
    for row in range(30):
        pool = [i for i in range(11) if allowed[row, i] and i != 5]
        expected = sorted(pool, key=lambda i: (-float(scores[row, i]), i))
        assert items[row].tolist() == expected + [-1] * (14 - len(expected))
        assert values[row, : len(expected)].tolist() == [float(scores[row, i]) for i in expected]


def test_closed_forms():
    rank = torch.tensor([1, 2, 5, 6, UNRANKED])
    assert hit_at(rank, 5).tolist() == [1, 1, 1, 0, 0]
    assert ndcg_at(rank, 5).tolist() == pytest.approx([1, 1 / math.log2(3), 1 / math.log2(6), 0, 0])
    assert reciprocal_rank_at(rank, 5).tolist() == pytest.approx([1, 0.5, 0.2, 0, 0])
    assert reciprocal_rank_at(rank)[3] == pytest.approx(1 / 6)


def city(n):
    rng = np.random.default_rng(3)
    return torch.tensor(40.7 + rng.random(n) / 5), torch.tensor(-74 + rng.random(n) / 5)


def slow_km(lat, lon, a, b):
    pa, pb = math.radians(lat[a]), math.radians(lat[b])
    half = math.sin((pb - pa) / 2) ** 2 + math.cos(pa) * math.cos(pb) * math.sin(math.radians(lon[b] - lon[a]) / 2) ** 2
    return 2 * 6371.0088 * math.asin(math.sqrt(half))


def test_metrics_by_slice_are_the_loops_whatever_the_batches():
    n, k, b = 13, 10, 64
    lat, lon = city(n)
    generator = torch.Generator().manual_seed(4)
    scores = torch.randint(0, 6, (b, n), generator=generator).float()
    target = torch.randint(0, n, (b,), generator=generator)
    is_new = torch.rand(b, generator=generator) < 0.3
    last = torch.randint(-1, n, (b,), generator=generator)
    head = torch.arange(n) < 4
    ranked, rank = top_k(scores, k)[0], pessimistic_rank(scores, target)
    whole = RankingMetrics(lat, lon, item_slices={("head", "tail"): head}, full_ranks=True)
    whole.update(rank, target, is_new, ranked, last)
    parts = RankingMetrics(lat, lon, item_slices={("head", "tail"): head}, full_ranks=True)
    for i in range(0, b, 7):
        parts.update(rank[i : i + 7], target[i : i + 7], is_new[i : i + 7], ranked[i : i + 7], last[i : i + 7])
    results = whole.to_dict()
    assert parts.to_dict() == pytest.approx(results)

    members = {
        "": range(b),
        "new/": [i for i in range(b) if is_new[i]],
        "tail/": [i for i in range(b) if target[i] >= 4],
    }
    for name, rows in members.items():
        assert results[f"{name}queries"] == len(rows)
        for cut in (1, 5, 10):
            ranks = [int(rank[i]) for i in rows]
            assert results[f"{name}hit@{cut}"] == pytest.approx(np.mean([r <= cut for r in ranks]))
            assert results[f"{name}mrr@{cut}"] == pytest.approx(np.mean([(r <= cut) / r for r in ranks]))
            ndcg = np.mean([(r <= cut) / math.log2(r + 1) for r in ranks])
            assert results[f"{name}ndcg@{cut}"] == pytest.approx(ndcg)
        assert results[f"{name}mrr"] == pytest.approx(np.mean([1 / int(rank[i]) for i in rows]))
    km = [slow_km(lat, lon, int(last[i]), int(j)) for i in range(b) if last[i] >= 0 for j in ranked[i, :5]]
    assert results["km@5"] == pytest.approx(np.mean(km))
    assert results["unreachable@5"] == pytest.approx(np.mean([d > 10 for d in km]))
    assert results["catalogue_coverage@1"] == pytest.approx(len(set(ranked[:, 0].tolist())) / n)


def test_short_lists_and_empty_slices():
    lat, lon = city(4)
    metrics = RankingMetrics(lat, lon)
    ranked = torch.tensor([[2, -1, -1], [-1, -1, -1]])
    metrics.update(
        torch.tensor([1, UNRANKED]), torch.tensor([2, 1]), torch.tensor([False, False]), ranked, torch.tensor([2, 0])
    )
    results = metrics.to_dict()
    assert results["hit@1"] == 0.5
    assert results["km@10"] == 0.0
    assert not any(name.startswith("new/") for name in results)
    assert "mrr" not in results
    assert "revisit/mrr@10" in results
