"""Neighbourhoods in embedding space against plain loops and closed forms."""

import math

import numpy as np
import pytest
import torch

from lgsid.functional import neighborhood
from lgsid.functional.distances import haversine_m
from lgsid.functional.neighborhood import (
    agreement_at_k,
    agreement_interval_at_k,
    effective_rank,
    km_quantile_at_k,
    mean_cosine,
    median_km_at_k,
    median_km_interval_at_k,
    near_and_alike_at_k,
    nearest_vectors,
    sampled_rows,
)
from lgsid.metrics import NeighborhoodMetrics
from lgsid.neighbors import ExactNeighbors, NeighborIndex


def draw(n=37, d=6, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("chunk_size", [1, 7, 1000])
def test_nearest_vectors_are_those_of_a_loop(chunk_size):
    vectors = draw()
    found = nearest_vectors(vectors, 4, chunk_size)
    for i, row in enumerate(vectors.numpy()):
        cosine = {
            j: row @ other / np.linalg.norm(row) / np.linalg.norm(other)
            for j, other in enumerate(vectors.numpy())
            if j != i
        }
        assert found[i].tolist() == sorted(cosine, key=cosine.get, reverse=True)[:4]


@pytest.mark.parametrize("block", [5, 8, 37])
def test_blocks_and_chosen_rows_find_the_same_neighbors(block, monkeypatch):
    vectors, rows = draw(), torch.tensor([0, 3, 17, 36])
    everything = nearest_vectors(vectors, 4)
    monkeypatch.setattr(neighborhood, "BLOCK", block)
    torch.testing.assert_close(nearest_vectors(vectors, 4, 3), everything, rtol=0, atol=0)
    torch.testing.assert_close(nearest_vectors(vectors, 4, 3, rows), everything[rows], rtol=0, atol=0)


def test_a_sample_is_asked_for_only_where_there_are_more():
    assert sampled_rows(10, 10, seed=0) is None
    rows = sampled_rows(1000, 10, seed=0)
    assert len(set(rows.tolist())) == 10
    assert rows.tolist() == sorted(rows.tolist())
    assert rows.equal(sampled_rows(1000, 10, seed=0))
    assert not rows.equal(sampled_rows(1000, 10, seed=1))


def test_numbers_of_all_rows_as_a_sample_are_those_without_one():
    rows, codes = torch.arange(50), torch.arange(50) % 4
    lat, lon = draw(50, 2).double().T
    neighbors = nearest_vectors(draw(50), 5)
    assert agreement_at_k(neighbors, codes, rows) == agreement_at_k(neighbors, codes)
    assert median_km_at_k(neighbors, lat, lon, rows) == median_km_at_k(neighbors, lat, lon)
    share, km = float(agreement_at_k(neighbors, codes)), float(median_km_at_k(neighbors, lat, lon))
    assert agreement_interval_at_k(neighbors, codes, rows) == pytest.approx((share, share))
    low, high = median_km_interval_at_k(neighbors, lat, lon, rows)
    assert low <= km <= high  # the median lies between two of the pairs
    pairs = haversine_m(lat[:, None], lon[:, None], lat[neighbors], lon[neighbors]) / 1000
    assert ((pairs > low) & (pairs < high)).sum() == 0


def test_intervals_of_samples_hold_the_numbers_of_all_rows_nineteen_times_of_twenty():
    n, draws = 1500, 200
    vectors = draw(n, 3)
    codes = 1 + vectors[:, 0].gt(0.4).long()
    lat, lon = vectors[:, 1].double(), vectors[:, 2].double()
    neighbors = nearest_vectors(vectors, 5)
    share, km = float(agreement_at_k(neighbors, codes)), float(median_km_at_k(neighbors, lat, lon))
    held = np.zeros((draws, 2))
    for seed in range(draws):
        rows = sampled_rows(n, 300, seed)
        bounds = (
            agreement_interval_at_k(neighbors[rows], codes, rows),
            median_km_interval_at_k(neighbors[rows], lat, lon, rows),
        )
        held[seed] = [low <= value <= high for value, (low, high) in zip((share, km), bounds, strict=True)]
    assert (np.abs(held.mean(axis=0) - 0.95) < 4 * math.sqrt(0.95 * 0.05 / draws)).all()


def test_an_item_is_never_its_own_neighbor_among_duplicates():
    vectors = torch.cat([torch.ones(9, 3), torch.zeros(2, 3)])
    found = nearest_vectors(vectors, 5, chunk_size=4)
    assert (found != torch.arange(11)[:, None]).all()
    assert (found[:9] < 9).all()
    assert all(len(set(row)) == 5 for row in found.tolist())


@pytest.mark.parametrize(("n", "k", "expected"), [(3, 5, 2), (1, 5, 0), (5, 0, 0)])
def test_fewer_items_than_neighbors(n, k, expected):
    assert nearest_vectors(draw(n), k).shape == (n, expected)


def test_agreement_is_the_loop_and_leaves_out_unknown_items():
    generator = torch.Generator().manual_seed(3)
    neighbors = nearest_vectors(draw(50), 5)
    codes = torch.randint(0, 4, (50,), generator=generator)
    shares = [sum(int(codes[j] == codes[i]) for j in neighbors[i]) / 5 for i in range(50) if codes[i] > 0]
    assert agreement_at_k(neighbors, codes).item() == pytest.approx(np.mean(shares))


def test_agreement_of_nothing_known_is_nan():
    assert agreement_at_k(torch.tensor([[1], [0]]), torch.zeros(2, dtype=torch.int64)).isnan()


def test_median_km_of_places_on_a_meridian():
    lat = torch.tensor([0.0, 1.0, 3.0], dtype=torch.float64)
    neighbors = torch.tensor([[1], [0], [1]])
    degree_km = math.pi * 6371.0088 / 180
    found = median_km_at_k(neighbors, lat, torch.zeros(3, dtype=torch.float64))
    assert found.item() == pytest.approx(degree_km)


def test_effective_rank_of_an_even_cross_and_of_a_line():
    cross = torch.cat([torch.eye(4), -torch.eye(4)])  # centred, four equal singular values
    assert effective_rank(cross).item() == pytest.approx(4)
    line = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    assert effective_rank(line).item() == pytest.approx(1)
    assert effective_rank(torch.ones(5, 3)).item() == 0


def test_effective_rank_is_the_entropy_of_numpy_singular_values():
    vectors = draw(60, 5)
    unit = torch.nn.functional.normalize(vectors.double(), dim=1).numpy()
    singular = np.linalg.svd(unit - unit.mean(0), compute_uv=False)
    share = singular / singular.sum()
    assert effective_rank(vectors).item() == pytest.approx(np.exp(-(share * np.log(share)).sum()), rel=1e-6)


def test_mean_cosine_ignores_length():
    vectors = draw()
    assert mean_cosine(vectors, 3 * vectors).item() == pytest.approx(1)
    assert mean_cosine(vectors, -vectors).item() == pytest.approx(-1)


def places(n=40, seed=5):
    rng = np.random.default_rng(seed)
    region = torch.from_numpy(rng.integers(1, 4, (n, 3)))
    category = torch.from_numpy(rng.integers(0, 3, n))
    return region, category, torch.from_numpy(rng.uniform(40, 41, n)), torch.from_numpy(rng.uniform(-74, -73, n))


def test_metrics_do_not_depend_on_how_items_arrive():
    vectors, location = draw(40), places()
    whole, parts = NeighborhoodMetrics(3), NeighborhoodMetrics(3, ExactNeighbors(chunk_size=11))
    whole.update(vectors, *location, reference=2 * vectors)
    for start in range(0, 40, 13):
        cut = slice(start, start + 13)
        parts.update(vectors[cut], *(values[cut] for values in location), reference=vectors[cut])
    found, expected = parts.compute(), whole.compute()
    assert found.keys() == expected.keys()
    assert set(found) == {
        "coverage@3/region_1", "coverage@3/region_2", "coverage@3/region_3",
        "purity@3", "oracle_coverage@3", "alike_1km@3", "alike_3km@3", "alike_10km@3",
        "median_km@3", "p90_km@3", "effective_rank", "cosine_to_reference",
    }  # fmt: skip
    for name, value in found.items():
        assert value.item() == pytest.approx(expected[name].item(), rel=1e-6), name


def test_metrics_leave_out_what_nobody_knows():
    region, category, lat, lon = places()
    region[:, 1] = 0
    metric = NeighborhoodMetrics()
    metric.update(draw(40), region, torch.zeros_like(category), lat, lon)
    assert set(metric.compute()) == {
        "coverage@5/region_1", "coverage@5/region_3", "median_km@5", "p90_km@5", "effective_rank"
    }  # fmt: skip


def test_metrics_of_permuted_items_are_equal():
    vectors, location = draw(40), places()
    order = torch.randperm(40, generator=torch.Generator().manual_seed(1))
    first, second = NeighborhoodMetrics(), NeighborhoodMetrics()
    first.update(vectors, *location)
    second.update(vectors[order], *(values[order] for values in location))
    for name, value in first.compute().items():
        assert second.compute()[name].item() == pytest.approx(value.item(), rel=1e-6), name


def test_metrics_of_more_items_than_queries_are_those_of_a_sample():
    n = 400
    places = {"region": torch.arange(n)[:, None] % 5, "category": torch.arange(n) % 7}
    places |= {"lat_deg": draw(n)[:, 0].double(), "lon_deg": draw(n)[:, 1].double()}
    whole, sample = NeighborhoodMetrics(), NeighborhoodMetrics(max_queries=100)
    for metric in (whole, sample):
        metric.update(draw(n), **places)
    rows = sampled_rows(n, 100, seed=0)
    neighbors = nearest_vectors(draw(n), 5)
    assert sample.compute()["purity@5"] == agreement_at_k(neighbors[rows], places["category"], rows)
    assert sample.compute()["purity@5"] != whole.compute()["purity@5"]
    assert sample.compute()["effective_rank"] == whole.compute()["effective_rank"]


def test_held_out_items_are_judged_by_their_neighbors_among_all():
    vectors, (region, category, lat, lon) = draw(40), places()
    group, reference = 1 + category // 2, draw(40, seed=9)
    held_out = torch.arange(40) % 3 == 0
    metric = NeighborhoodMetrics(3, coverage_at=(1, 4))
    metric.update(vectors, region, category, lat, lon, reference, group, held_out)
    found, rows = metric.compute(), held_out.nonzero()[:, 0]
    neighbors = nearest_vectors(vectors, 4)
    for prefix, members in (("", torch.arange(40)), ("held_out/", rows)):
        first = neighbors[members, :3]
        expected = {
            "purity@3": agreement_at_k(first, category, members),
            "group_purity@3": agreement_at_k(first, group, members),
            "coverage@1/region_3": agreement_at_k(neighbors[members, :1], region[:, 2], members),
            "coverage@4/region_1": agreement_at_k(neighbors[members], region[:, 0], members),
            "cosine_to_reference": mean_cosine(vectors[members], reference[members]),
            "effective_rank": effective_rank(vectors[members]),
            "median_km@3": median_km_at_k(first, lat, lon, members),
        }
        for name, value in expected.items():
            assert float(found[prefix + name]) == pytest.approx(float(value), rel=1e-6), prefix + name
    assert {name for name in found if name.startswith("held_out/")} == {
        f"held_out/{name}" for name in found if not name.startswith("held_out/")
    }


def test_bounds_are_those_of_lists_sorted_by_an_oracle():
    region, category, lat, lon = places()
    held_out = torch.arange(40) % 4 == 0
    metric = NeighborhoodMetrics(3, coverage_at=(20,))
    metric.update(draw(40), region, category, lat, lon, held_out=held_out)
    found, bounds = metric.compute(), metric.bounds()
    for prefix, members in (("", range(40)), ("held_out/", range(0, 40, 4))):
        for key, codes, k in (("coverage@20/region_2", region[:, 1], 20), ("purity@3", category, 3)):
            best = [min(int((codes == codes[i]).sum()) - 1, k) / k for i in members if codes[i] > 0]
            assert float(bounds[prefix + key]) == pytest.approx(np.mean(best)), prefix + key
    assert {key for key in bounds if key.startswith("held_out/")} == {
        f"held_out/{k}" for k in bounds if "held" not in k
    }
    assert bounds.keys() < found.keys()
    assert all(found[key] <= bound + 1e-9 for key, bound in bounds.items())


def test_near_and_alike_and_quantiles_are_those_of_a_loop():
    _, category, lat, lon = places()
    rows, neighbors = torch.arange(0, 40, 3), nearest_vectors(draw(40), 5)[::3]
    km = [
        [float(haversine_m(lat[i], lon[i], lat[j], lon[j])) / 1000 for j in own]
        for i, own in zip(rows, neighbors, strict=True)
    ]
    shares = [
        sum(distance <= 40 and category[j] == category[i] for distance, j in zip(far, own, strict=True)) / 5
        for i, own, far in zip(rows, neighbors, km, strict=True)
        if category[i] > 0
    ]
    assert 0 < np.mean(shares) < 1
    assert float(near_and_alike_at_k(neighbors, category, lat, lon, 40, rows)) == pytest.approx(np.mean(shares))
    assert float(km_quantile_at_k(neighbors, lat, lon, 0.9, rows)) == pytest.approx(np.quantile(km, 0.9))


def test_near_ends_at_the_distance_itself():
    lat, kind = torch.tensor([0.0, 0.01], dtype=torch.float64), torch.tensor([1, 1])
    neighbors, lon = torch.tensor([[1], [0]]), torch.zeros(2, dtype=torch.float64)
    km = float(haversine_m(lat[0], lon[0], lat[1], lon[1])) / 1000
    assert near_and_alike_at_k(neighbors, kind, lat, lon, km * 1.0001) == 1
    assert near_and_alike_at_k(neighbors, kind, lat, lon, km * 0.9999) == 0


class NextRows(NeighborIndex):
    """Call the rows that follow the nearest."""

    def nearest(self, vectors, k, rows=None):
        return (rows[:, None] + 1 + torch.arange(k)) % len(vectors)


def test_an_index_of_another_package_finds_the_neighbors():
    metric = NeighborhoodMetrics(2, NextRows())
    category = torch.tensor([1, 1, 2, 1, 2])
    metric.update(draw(5), category[:, None], category, torch.zeros(5).double(), torch.arange(5).double())
    shares = [(1 + 0) / 2, (0 + 1) / 2, (0 + 1) / 2, (0 + 1) / 2, (0 + 0) / 2]
    assert float(metric.compute()["purity@2"]) == pytest.approx(sum(shares) / 5)
