"""k-means and nearest centroids against brute force, loops and scikit-learn."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs

from lgsid.functional.kmeans import assign, kept, kmeans, lloyd, nearest_others, relocated, two_least, updated
from lgsid.functional.residual import mean_square, nearest


def isotropic(n=3000, width=48, centers=80, seed=0):
    x, _ = make_blobs(n, width, centers=centers, cluster_std=0.5, center_box=(-1, 1), random_state=seed)
    return torch.from_numpy(x).float()


def anisotropic(n=3000, width=96, seed=0):
    """Unit vectors in unequal clumps with most of their variance along few axes, as those of sentence encoders."""
    generator = np.random.default_rng(seed)
    scale = np.arange(1, width + 1) ** -0.6
    clumps = generator.normal(size=(120, width)) * scale
    chosen = generator.choice(120, n, p=generator.dirichlet(np.ones(120)))
    x = clumps[chosen] + 0.7 * generator.normal(size=(n, width)) * scale
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    return torch.from_numpy(x - x.mean(axis=0)).float()


def noise(n=3000, width=64, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(n, width))).float()


def brute_force(x, centroids):
    return ((x[:, None].double() - centroids[None].double()) ** 2).sum(-1)


@pytest.mark.parametrize("n_centroids", [1, 2, 37, 300])
def test_assignment_against_brute_force(n_centroids):
    x, centroids = anisotropic(1500, 24), anisotropic(n_centroids, 24, seed=1)
    distances, found = brute_force(x, centroids), assign(x, centroids)
    least = distances.sort(dim=1).values
    assert torch.equal(found.codes, distances.argmin(dim=1))
    torch.testing.assert_close(found.errors.double(), least[:, 0], atol=1e-5, rtol=1e-4)
    if n_centroids > 1:
        torch.testing.assert_close(found.margins.double(), least[:, 1] - least[:, 0], atol=1e-5, rtol=1e-3)
    assert found.inertia == pytest.approx(float(least[:, 0].sum()), rel=1e-5)


def test_the_two_least_scores_of_a_row():
    scores = torch.tensor([[3.0, 1.0, 2.0], [5.0, 5.0, 9.0]])
    index, best, second = two_least(scores)
    assert (index.tolist(), best.tolist(), second.tolist()) == ([1, 0], [1.0, 5.0], [2.0, 5.0])
    assert two_least(torch.tensor([[4.0]]))[2].tolist() == [float("inf")]


def test_the_nearest_other_centroid_against_brute_force():
    centroids = anisotropic(1500, 12)
    distances = brute_force(centroids, centroids).fill_diagonal_(torch.inf)
    assert torch.equal(nearest_others(centroids), distances.argmin(dim=1))


def test_clusters_move_to_their_means_and_idle_centroids_to_the_farthest_points():
    x = torch.tensor([[0.0], [1.0], [10.0], [12.0], [30.0]])
    centroids = torch.tensor([[0.0], [11.0], [1000.0], [2000.0]])
    moved = updated(x, assign(x, centroids), centroids)
    assert moved[:2].tolist() == [[0.5], [pytest.approx((10 + 12 + 30) / 3)]]
    assert moved[2:].tolist() == [[30.0], [1.0]]  # farthest first, and the first of 1, 10 and 12, which are equally far


@pytest.mark.parametrize("make", [isotropic, anisotropic, noise])
def test_lloyd_never_raises_the_inertia_and_stops_by_the_tolerance(make):
    x = make()
    start = x[:60].clone()
    inertia = [assign(x, lloyd(x, start, steps)).inertia for steps in range(12)]
    assert all(later <= earlier * (1 + 1e-6) for earlier, later in pairwise(inertia))
    assert inertia[-1] < 0.9 * inertia[0]
    assert torch.equal(lloyd(x, start, 500, tolerance=1.0), lloyd(x, start, 1))


def test_of_two_neighbors_that_are_missed_least_one_is_kept():
    x = torch.tensor([[0.0], [0.1], [0.2], [0.3], [5.0], [5.2], [9.0], [9.4]])
    centroids = torch.tensor([[0.05], [0.25], [5.1], [9.2]])
    assert kept(assign(x, centroids), centroids, 2).tolist() in ([0, 2, 3], [1, 2, 3])
    same = torch.tensor([[0.1], [50.0], [50.0], [50.0], [7.0]])  # idle and equal: all but one go at once
    assert kept(assign(x, same), same, 3).tolist() == [0, 1, 4]


def test_relocation_finds_the_clusters_that_share_a_centroid():
    x, cluster = make_blobs(800, 16, centers=20, cluster_std=0.3, center_box=(-9, 9), random_state=3)
    x = torch.from_numpy(x).float()
    best = sum(float(((x[cluster == c] - x[cluster == c].mean(0)) ** 2).sum()) for c in range(20))
    start = x[cluster < 4][:20]  # all in four of the twenty clusters
    stuck = lloyd(x, start, 50)
    assert assign(x, stuck).inertia > 3 * best
    centroids, generator = stuck, np.random.default_rng(0)
    for done in range(5):
        centroids = relocated(x, centroids, assign(x, centroids), generator)
        assert assign(x, centroids).inertia == pytest.approx(best, rel=1e-4), done  # reached at once, and kept


@pytest.mark.parametrize("make", [isotropic, anisotropic, noise])
def test_three_levels_are_as_good_as_scikit_learn_and_use_every_code(make):
    """Of the same residuals, level by level: inertia at most 1 % above Lloyd's from k-means++, and no giant cluster."""
    residual, codes, size = make(), [], 80
    for level in range(3):
        theirs = KMeans(size, n_init=1, random_state=level).fit(residual.numpy())
        ours = kmeans(residual, size, np.random.default_rng(level))
        found = assign(residual, ours)
        assert found.inertia <= 1.01 * theirs.inertia_
        counts = found.codes.bincount(minlength=size)
        assert int(counts.min()) > 0
        assert int(counts.max()) < len(residual) // 4
        codes.append(found.codes)
        residual = residual - ours[found.codes]
    assert len(torch.unique(torch.stack(codes), dim=1).T) > 0.85 * len(residual)


def test_well_separated_clusters_are_all_found():
    x, cluster = make_blobs(4000, 64, centers=100, cluster_std=1.0, center_box=(-10, 10), random_state=0)
    x = torch.from_numpy(x).float()
    codes = assign(x, kmeans(x, 100, np.random.default_rng(0))).codes.numpy()
    assert len(np.unique(np.stack([codes, cluster]), axis=1).T) == 100


def test_the_generator_decides_and_a_shift_does_not_matter():
    x = isotropic()
    one, same, other = (kmeans(x, 50, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    shifted = kmeans(x + 100.0, 50, np.random.default_rng(1))
    assert assign(x, shifted - 100.0).inertia == pytest.approx(assign(x, one).inertia, rel=0.02)


def test_one_thread_and_two_give_the_same_bytes():
    x, found, threads = anisotropic(2500), [], torch.get_num_threads()
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            centroids = kmeans(x, 40, np.random.default_rng(0))
            found.append((centroids, nearest(x, centroids)))
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(one, two) for one, two in zip(*found, strict=True))


@pytest.mark.parametrize("offset", [0.0, 1.0, 300.0])
def test_nearest_is_that_of_float64_whatever_the_offset(offset):
    """At 300, float32 scores say nothing; at 0 they decide nearly all rows."""
    x, centroids = anisotropic(1200, 24) + offset, anisotropic(200, 24, seed=1) + offset
    want = brute_force(x, centroids).argmin(dim=1)
    assert torch.equal(nearest(x, centroids), want)
    assert torch.equal(torch.cat([nearest(part, centroids) for part in torch.split(x, 7)]), want)


def test_nearest_takes_the_first_of_equal_centroids():
    centroids = anisotropic(30, seed=1)
    twice = torch.cat([centroids, centroids])
    assert int(nearest(anisotropic(500), twice).max()) < 30
    middle = (centroids[3] + centroids[9])[None] / 2
    assert int(nearest(middle, centroids[[3, 9]])) == int(brute_force(middle, centroids[[3, 9]]).argmin())


def test_nearest_ignores_lower_precision_around_it():
    x, centroids = anisotropic(3000), anisotropic(200, seed=1)
    want, precision = nearest(x, centroids), torch.get_float32_matmul_precision()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(nearest(x, centroids), want)
    try:
        torch.set_float32_matmul_precision("medium")
        assert torch.equal(nearest(x, centroids), want)
    finally:
        torch.set_float32_matmul_precision(precision)


def test_nearest_of_one_centroid_and_of_no_rows():
    x = noise(5)
    assert nearest(x, x[:1]).tolist() == [0] * 5
    assert nearest(x[:0], x).shape == (0,)


def test_mean_square_against_the_formula():
    x = noise(2500)
    assert float(mean_square(x)) == pytest.approx(float(x.double().square().sum(1).mean()), rel=1e-6)
    assert float(mean_square(torch.zeros(4, 3))) > 0
