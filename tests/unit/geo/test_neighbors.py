import math

import numpy as np
import pytest
import torch

from lgsid.functional.distances import EARTH_RADIUS_M, chord_to_m, haversine_m, unit_vectors
from lgsid.geo.candidates import CandidateSampler
from lgsid.geo.neighbors import nearest_places

POINTS = [(40.7128, -74.006), (40.71281, -74.006), (-33.9, 151.2), (89.999, 10.0), (89.999, -170.0), (0.0, 179.999)]


def great_circle_m(a: tuple[float, float], b: tuple[float, float]) -> float:
    lat, lon, other_lat, other_lon = map(math.radians, (*a, *b))
    half = math.sin((other_lat - lat) / 2) ** 2
    half += math.cos(lat) * math.cos(other_lat) * math.sin((other_lon - lon) / 2) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(half))


def test_distances_against_a_loop_and_against_chords() -> None:
    lat, lon = (torch.tensor(v, dtype=torch.float64) for v in zip(*POINTS, strict=True))
    found = haversine_m(lat[:, None], lon[:, None], lat, lon)
    expected = [[great_circle_m(a, b) for b in POINTS] for a in POINTS]
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-9, atol=1e-6)
    assert found[0, 1] == pytest.approx(1.11, abs=0.01)  # a metre apart
    vectors = unit_vectors(lat.numpy(), lon.numpy())
    chord = np.linalg.norm(vectors[:, None] - vectors, axis=-1)
    np.testing.assert_allclose(chord_to_m(chord), found.numpy(), rtol=1e-6, atol=1e-3)


def scattered(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    lat = np.concatenate([40.7 + rng.normal(0, 0.05, n // 2), np.degrees(np.arcsin(rng.uniform(-1, 1, n - n // 2)))])
    lon = np.concatenate([-74 + rng.normal(0, 0.05, n // 2), rng.uniform(-180, 180, n - n // 2)])
    return lat, lon


def brute_force(lat: np.ndarray, lon: np.ndarray, queries: list[tuple[float, float]]) -> np.ndarray:
    return np.array([[great_circle_m(q, p) for p in zip(lat, lon, strict=True)] for q in queries])


def test_neighbours_are_exact() -> None:
    lat, lon = scattered(120)
    distance = brute_force(lat, lon, list(zip(lat, lon, strict=True)))
    np.fill_diagonal(distance, np.inf)
    rows, found = nearest_places(lat, lon, 7)
    np.testing.assert_array_equal(rows, np.argsort(distance, axis=1)[:, :7])
    np.testing.assert_allclose(found, np.sort(distance, axis=1)[:, :7], rtol=1e-6, atol=1e-3)

    queries = [(40.7, -74.0), (0.0, 180.0), (-90.0, 0.0)]
    rows, found = nearest_places(lat, lon, 5, [q[0] for q in queries], [q[1] for q in queries])
    expected = brute_force(lat, lon, queries)
    np.testing.assert_array_equal(rows, np.argsort(expected, axis=1)[:, :5])
    np.testing.assert_allclose(found, np.sort(expected, axis=1)[:, :5], rtol=1e-6, atol=1e-3)


def test_many_places_at_one_spot_are_never_their_own_neighbour() -> None:
    lat, lon = np.full(9, 40.0), np.full(9, -74.0)
    rows, found = nearest_places(lat, lon, 3)
    assert rows.shape == (9, 3)
    assert not (rows == np.arange(9)[:, None]).any()
    assert (found == 0).all()
    assert all(len(set(row)) == 3 for row in rows.tolist())


def test_fewer_places_than_neighbours() -> None:
    assert nearest_places([1.0, 2.0], [1.0, 2.0], 10)[0].tolist() == [[1], [0]]
    assert nearest_places([1.0], [1.0], 10)[0].shape == (1, 0)
    assert nearest_places([1.0, 2.0], [1.0, 2.0], 10, [1.9], [1.9])[0].tolist() == [[1, 0]]
    assert nearest_places([1.0, 2.0], [1.0, 2.0], 2, [], [])[0].shape == (0, 2)


def test_candidates_are_other_places_once_each() -> None:
    lat, lon = scattered(80)
    sampler = CandidateSampler(lat, lon, n_candidates=15, n_neighbours=30, n_far=3)
    places = np.repeat(np.arange(80), 20)
    found = sampler.draw(places, np.random.default_rng(1))
    assert found.shape == (1600, 15)
    assert not (found == places[:, None]).any()
    assert (np.diff(np.sort(found, axis=1), axis=1) > 0).all()
    again = sampler.draw(places, np.random.default_rng(1))
    np.testing.assert_array_equal(found, again)


def test_ranks_are_drawn_log_uniformly() -> None:
    lat, lon = scattered(400, seed=3)
    sampler = CandidateSampler(lat, lon, n_candidates=1, n_neighbours=255, n_far=0)
    found = sampler.draw(np.zeros(40_000, dtype=np.int64), np.random.default_rng(2))[:, 0]
    rank = 1 + np.argsort(np.argsort([great_circle_m((lat[0], lon[0]), p) for p in zip(lat, lon, strict=True)]))
    rank = rank[found] - 1  # the place itself has rank 0
    share = np.histogram(rank, bins=[1, 2, 4, 8, 16, 32, 64, 128, 256])[0] / len(rank)
    np.testing.assert_allclose(share, np.full(8, 1 / 8), atol=0.01)  # every doubling alike


def test_far_candidates_come_from_anywhere() -> None:
    lat, lon = scattered(400, seed=3)
    far = CandidateSampler(lat, lon, n_candidates=6, n_neighbours=10, n_far=2).draw(
        np.zeros(3000, dtype=np.int64), np.random.default_rng(2)
    )
    assert len(np.unique(far[:, :4])) <= 10
    assert len(np.unique(far[:, 4:])) > 350


@pytest.mark.parametrize("n_places", [2, 5, 16])
def test_few_places_give_shorter_lists(n_places: int) -> None:
    lat, lon = scattered(n_places)
    found = CandidateSampler(lat, lon, 15, 300, 3).draw(np.arange(n_places), np.random.default_rng(0))
    assert found.shape == (n_places, min(15, n_places - 1))
    assert all(len({*row, i}) == len(row) + 1 for i, row in enumerate(found.tolist()))


def test_the_first_places_can_be_the_only_ones_that_ask() -> None:
    lat, lon = scattered(300)
    lat[5], lon[5] = lat[290], lon[290]  # two places at one spot
    rows, meters = nearest_places(lat, lon, 4)
    some_rows, some_meters = nearest_places(lat, lon, 4, n_queries=37)
    np.testing.assert_array_equal(some_rows, rows[:37])
    np.testing.assert_array_equal(some_meters, meters[:37])
