"""Bounds of neighborhoods against brute force."""

from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lgsid.functional.distances import haversine_m
from lgsid.functional.neighborhood import agreement_at_k, near_and_alike_at_k, nearest_vectors
from lgsid.functional.neighborhood_bounds import (
    agreement_bound_at_k,
    coverage_bound_at_purity,
    near_and_alike_bound_at_k,
)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6))
def test_no_embedding_beats_the_bound(seed, k):
    rng = np.random.default_rng(seed)
    n = 14
    region, category = (torch.from_numpy(rng.integers(0, 4, n)) for _ in range(2))
    if not ((region > 0).any() and (category > 0).any()):
        return
    weight = [float(1 / (codes > 0).double().mean()) for codes in (region, category)]
    best, own = 0.0, []
    for i in range(n):  # the oracle, item by item: the most valuable neighbors first
        worth = sorted(
            (
                weight[0] * float(region[i] > 0 and region[j] == region[i])
                + weight[1] * float(category[i] > 0 and category[j] == category[i])
                for j in range(n)
                if j != i
            ),
            reverse=True,
        )
        best += sum(worth[:k]) / k / n
    bound = float(agreement_bound_at_k(region, category, k))
    assert bound == pytest.approx(best)
    neighbors = nearest_vectors(torch.randn(n, 6, generator=torch.Generator().manual_seed(seed)), k)
    own = float(agreement_at_k(neighbors, region) + agreement_at_k(neighbors, category))
    assert own <= bound + 1e-9


def attainable(region, category, k, rows):
    """All pairs (right regions, right categories) that lists of k neighbors can have together, one list an item."""
    totals = {(0, 0)}
    for i in rows:
        others = [j for j in range(len(region)) if j != i]
        own = {
            (
                sum(region[i] > 0 and region[j] == region[i] for j in chosen),
                sum(category[i] > 0 and category[j] == category[i] for j in chosen),
            )
            for chosen in combinations(others, k)
        }
        totals = {(a + c, b + d) for a, b in totals for c, d in own}
    return totals


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4), st.booleans())
def test_coverage_at_a_purity_is_the_best_of_all_lists(seed, k, some):
    rng = np.random.default_rng(seed)
    n = 8
    region, category = rng.integers(0, 4, n), rng.integers(0, 3, n)
    rows = np.arange(0, n, 2) if some else np.arange(n)
    n_region, n_category = (region[rows] > 0).sum(), (category[rows] > 0).sum()
    arguments = (torch.from_numpy(region), torch.from_numpy(category), k)
    chosen = torch.from_numpy(rows) if some else None
    if not n_region or not n_category:
        assert coverage_bound_at_purity(*arguments, 0.0, chosen).isnan()
        return
    pairs = [(a / n_region / k, b / n_category / k) for a, b in attainable(region, category, k, rows)]
    purest = max(purity for _, purity in pairs)
    for purity in {0.0, purest, *(p for _, p in pairs), *(rng.random(4) * purest)}:
        best = max(coverage for coverage, own in pairs if own >= purity - 1e-9)
        assert float(coverage_bound_at_purity(*arguments, purity, chosen)) == pytest.approx(best)
    assert coverage_bound_at_purity(*arguments, purest + 0.01, chosen).isnan()


def test_no_vectors_beat_the_bound_at_their_own_purity():
    rng = np.random.default_rng(3)
    region, category = (torch.from_numpy(rng.integers(0, 6, 80)) for _ in range(2))
    for width in (1, 2, 5):
        neighbors = nearest_vectors(torch.from_numpy(rng.normal(size=(80, width))), 5)
        bound = coverage_bound_at_purity(region, category, 5, float(agreement_at_k(neighbors, category)))
        assert agreement_at_k(neighbors, region) <= bound


@pytest.mark.parametrize("some", [False, True])
def test_near_and_alike_is_bounded_by_the_places_there_are(some, monkeypatch):
    monkeypatch.setattr("lgsid.functional.neighborhood_bounds.CHUNK", 7)
    rng = np.random.default_rng(4)
    category = torch.from_numpy(rng.integers(0, 4, 40))
    lat, lon = torch.from_numpy(rng.uniform(40, 40.2, 40)), torch.from_numpy(rng.uniform(-74, -73.8, 40))
    rows = torch.arange(0, 40, 3) if some else None
    counts = [
        sum(
            j != i and category[j] == category[i] and haversine_m(lat[i], lon[i], lat[j], lon[j]) <= 6000
            for j in range(40)
        )
        for i in (range(40) if rows is None else rows.tolist())
        if category[i] > 0
    ]
    bound = near_and_alike_bound_at_k(category, lat, lon, 3, 6.0, rows)
    assert float(bound) == pytest.approx(np.mean([min(count, 3) / 3 for count in counts]))
    neighbors = nearest_vectors(torch.stack([lat, lon], 1), 3)
    neighbors = neighbors if rows is None else neighbors[rows]
    assert near_and_alike_at_k(neighbors, category, lat, lon, 6.0, rows) <= bound
