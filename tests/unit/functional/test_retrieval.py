"""Retrieval of the next place against plain loops and closed forms."""

import numpy as np
import pytest
import torch

from lgsid.functional.retrieval import (
    chance_hit,
    chance_reciprocal_rank,
    cosine_spread,
    mean_vectors,
    ranks_by_weight,
)


def test_cosine_spread_is_that_of_all_pairs():
    vectors = torch.randn(40, 7, generator=torch.Generator().manual_seed(0)) + 0.5
    unit = vectors.double().numpy() / np.linalg.norm(vectors.double().numpy(), axis=1, keepdims=True)
    pairs = [a @ b for a in unit for b in unit]
    assert float(cosine_spread(vectors)) == pytest.approx(np.std(pairs), rel=1e-9)
    assert float(cosine_spread(torch.ones(5, 3))) == 1e-6


def test_mean_vectors_are_those_of_a_loop_and_zero_for_owners_of_none():
    vectors = torch.randn(9, 4, generator=torch.Generator().manual_seed(1))
    past = [[3, 3, 8], [], [0], [1, 2, 3, 4]]
    member = torch.tensor([item for items in past for item in items])
    owner = torch.tensor([who for who, items in enumerate(past) for _ in items])
    found = mean_vectors(vectors, member, owner, 4)
    for who, items in enumerate(past):
        expected = vectors[items].numpy().mean(0) if items else np.zeros(4)
        np.testing.assert_allclose(found[who].numpy(), expected, rtol=1e-6)


def test_ranks_by_weight_are_those_of_a_loop():
    rng = np.random.default_rng(2)
    similarity = rng.integers(0, 4, (30, 13)).astype(np.float32)  # many ties
    nearness = -rng.integers(0, 4, (30, 13)).astype(np.float32)
    allowed, target = rng.random((30, 13)) < 0.6, rng.integers(0, 13, 30)
    allowed[np.arange(30), target] = True
    weights = (0.0, 0.5, 2.0)
    found = ranks_by_weight(*map(torch.from_numpy, (similarity, nearness, target, allowed)), weights)
    for b in range(30):
        for w, weight in enumerate(weights):
            score = similarity[b] + weight * nearness[b]
            ahead = [i for i in range(13) if allowed[b, i] and i != target[b] and score[i] >= score[target[b]]]
            assert found[b, w] == 1 + len(ahead)


def test_equal_places_tie_against_the_model_whatever_the_rounding():
    vectors = torch.randn(2001, 384, generator=torch.Generator().manual_seed(3))
    vectors[1::2] = vectors[0]  # the same place a thousand times, summed in whatever order the product takes
    unit = torch.nn.functional.normalize(vectors, dim=1)
    target = torch.tensor([1, 501, 1999])
    ranks = ranks_by_weight(unit[[2, 4, 6]] @ unit.T, torch.zeros(3, 2001), target, torch.ones(3, 2001).bool(), (0.0,))
    others = unit[2::2].double()
    for query, rank in zip((2, 4, 6), ranks[:, 0], strict=True):
        better = (others @ unit[query].double() > unit[query].double() @ unit[0].double()).sum()
        assert abs(int(rank) - (1001 + int(better))) <= 1  # another may lie within the rounding


@pytest.mark.parametrize("n", [1, 4, 9, 30])
def test_chance_is_the_mean_over_all_ranks(n):
    k, ranks = 9, np.arange(1, n + 1)
    competing = torch.tensor([n])
    assert float(chance_hit(competing, k)) == pytest.approx((ranks <= k).mean())
    assert float(chance_reciprocal_rank(competing, k)) == pytest.approx(np.where(ranks <= k, 1 / ranks, 0).mean())
