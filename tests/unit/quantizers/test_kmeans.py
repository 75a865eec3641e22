"""k-means centroids of item vectors: samples, few distinct points, levels."""

import numpy as np
import pytest
import torch

from lgsid.errors import LgsidError
from lgsid.functional.residual import nearest
from lgsid.quantizers import RQKMeans, kmeans_centroids
from lgsid.quantizers.kmeans import POINTS_PER_CENTROID, distinct_rows, residual_kmeans_centroids, training_rows


def vectors(n, width=8, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(n, width))).float()


def inertia(x, centroids):
    return float((x - centroids[nearest(x, centroids)]).double().square().sum())


def test_few_points_are_all_used_and_many_sampled_without_repetition():
    assert torch.equal(training_rows(512, 2, 0), torch.arange(512))
    rows = training_rows(513, 2, 0)
    assert len(rows) == 2 * POINTS_PER_CENTROID == len(rows.unique())
    assert torch.equal(rows, rows.sort().values)
    assert torch.equal(rows, training_rows(513, 2, 0))
    assert not torch.equal(rows, training_rows(513, 2, 1))


def test_a_sample_costs_little_of_the_inertia_of_all_points():
    x = vectors(40_000)
    sampled, full = kmeans_centroids(x, 16, 0), kmeans_centroids(x[: 16 * POINTS_PER_CENTROID], 16, 1)
    assert inertia(x, sampled) == pytest.approx(inertia(x, full), rel=0.01)


def test_only_the_sample_decides():
    x = vectors(4 * POINTS_PER_CENTROID + 100)
    rows = training_rows(len(x), 4, 7)
    other = torch.full_like(x, 1e6).index_copy(0, rows, x[rows])
    assert torch.equal(kmeans_centroids(x, 4, 7), kmeans_centroids(other, 4, 7))


@pytest.mark.parametrize("copies", [1, 300])
def test_fewer_distinct_points_than_centroids_are_centroids(copies):
    distinct = vectors(9)
    centroids = kmeans_centroids(distinct.repeat(copies, 1), 12, 0)
    assert inertia(distinct, centroids) == 0
    assert len(centroids.unique(dim=0)) == 12


def test_as_many_clusters_as_distinct_points_less_one():
    distinct = vectors(9)
    centroids = kmeans_centroids(distinct.repeat(50, 1), 8, 0)
    gaps = torch.cdist(distinct, distinct).fill_diagonal_(torch.inf)
    assert inertia(distinct, centroids) == pytest.approx(float(gaps.min()) ** 2 / 2, rel=1e-4)  # the nearest two share


def test_distinct_rows_against_numpy():
    x = np.round(vectors(500, 2).numpy())
    x[x == 0] *= np.sign(np.random.default_rng(0).normal(size=(x == 0).sum()))  # zeros of both signs are equal
    want = np.unique(x, axis=0)
    np.testing.assert_array_equal(np.unique(distinct_rows(x, 1000), axis=0), want)
    assert len(distinct_rows(x, 3)) >= 3


def test_the_best_of_several_initializations_is_kept():
    x = vectors(600, 3)
    assert inertia(x, kmeans_centroids(x, 20, 0, n_init=5)) <= inertia(x, kmeans_centroids(x, 20, 0))


def test_levels_are_k_means_of_what_is_left_over():
    x = vectors(900)
    first, second = residual_kmeans_centroids(x, [6, 5], seed=3)
    assert torch.equal(first, kmeans_centroids(x, 6, 3))
    assert torch.equal(second, kmeans_centroids(x - first[nearest(x, first)], 5, 4))
    quantizer = RQKMeans([6, 5], seed=3)
    quantizer.build(8)
    quantizer.fit(x)
    assert all(torch.equal(one, other) for one, other in zip(quantizer.centroids, (first, second), strict=True))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_vectors_that_are_not_finite_are_refused(bad):
    x = vectors(50)
    x[3, 2] = bad
    with pytest.raises(LgsidError, match="not finite"):
        kmeans_centroids(x, 4, 0)
