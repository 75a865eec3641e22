"""Preference pairs against the rules that define them."""

import numpy as np
import pandas as pd
import pytest
import torch

from lgsid.alignment import CollaborativePairs, FarPairs, NearOtherCategoryPairs, PairSampler, SameCategoryFarPairs
from lgsid.alignment.sampling import first_accepted, log_uniform_ranks
from lgsid.artefacts import Dataset, Interactions, Items
from lgsid.functional.distances import unit_vectors

N = 120


def city(seed=0, n=N, categories=4):
    """Places on a plain, check-ins of a few users that wander, the last tenth of them in other splits."""
    rng = np.random.default_rng(seed)
    lat, lon = rng.uniform(40, 41, n), rng.uniform(-74, -73, n)
    items = pd.DataFrame(
        {
            "item_id": [f"p{i}" for i in range(n)],
            "name": "",
            "category": [f"kind {c}" if c else "" for c in rng.integers(0, categories, n)],
            "category_group": "",
            "brand": "",
            "lat": lat,
            "lon": lon,
            "region_1": "here",
            "region_2": [
                f"{'north' if y else 'south'} {'east' if x else 'west'}"
                for y, x in zip(lat > 40.5, lon > -73.5, strict=True)
            ],
        }
    )
    m = 900
    time = pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(np.sort(rng.integers(0, 30 * 86400, m)), unit="s")
    log = pd.DataFrame(
        {
            "user_id": [f"u{u}" for u in rng.integers(0, 6, m)],
            "item_id": [f"p{i}" for i in rng.integers(0, n, m) // 3],
            "time": time,
            "hour": time.hour,
            "weekday": time.day_of_week,
            "split": np.where(np.arange(m) < 700, "train", np.where(np.arange(m) < 800, "val", "test")),
        }
    )
    return Dataset(Items.from_frame(items), Interactions(log))


@pytest.fixture(scope="module")
def dataset():
    return city()


def distances(dataset):
    points = unit_vectors(dataset.items.lat_deg, dataset.items.lon_deg)
    return np.linalg.norm(points[:, None] - points[None], axis=-1)


SAMPLERS = [
    FarPairs(near=6),
    SameCategoryFarPairs(near=6),
    NearOtherCategoryPairs(near=6, neighbours=12),
    CollaborativePairs(quantile=0.5, window_h=48),
]


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda s: type(s).__name__)
def test_contract(sampler, dataset):
    assert isinstance(sampler, PairSampler)
    sampler.fit(dataset)
    assert 0 < sampler.n_anchors <= N
    batch = sampler.draw(50, 3, np.random.default_rng(1))
    assert batch.anchor.shape == batch.chosen.shape == (50,)
    assert batch.rejected.shape == (50, 3)
    for rows in (batch.anchor, batch.chosen, batch.rejected):
        assert rows.dtype == torch.int64
        assert ((rows >= 0) & (rows < N)).all()
    assert (batch.anchor != batch.chosen).all()
    assert (batch.anchor[:, None] != batch.rejected).all()
    assert (batch.chosen[:, None] != batch.rejected).all()
    again = sampler.draw(50, 3, np.random.default_rng(1))
    assert all(torch.equal(getattr(again, f), getattr(batch, f)) for f in ("anchor", "chosen", "rejected"))
    other = sampler.draw(50, 3, np.random.default_rng(2))
    assert not torch.equal(other.anchor, batch.anchor)


@pytest.mark.parametrize("sampler", [FarPairs(near=6), SameCategoryFarPairs(near=6)], ids=lambda s: type(s).__name__)
def test_chosen_is_near_and_rejected_is_beyond(sampler, dataset):
    sampler.fit(dataset)
    batch = sampler.draw(400, 2, np.random.default_rng(0))
    distance, codes = distances(dataset), sampler.groups(dataset.items)
    for a, c, rejected in zip(batch.anchor.tolist(), batch.chosen.tolist(), batch.rejected.tolist(), strict=True):
        alike = [i for i in range(N) if i != a and codes[i] == codes[a]]
        near = sorted(alike, key=lambda i: distance[a, i])[: min(6, (len(alike) + 1) // 4)]
        assert c in near
        assert all(codes[r] == codes[a] and distance[a, r] > distance[a, near[-1]] for r in rejected)


def test_small_categories_give_no_anchors():
    dataset = city(n=30, categories=12)
    sampler = SameCategoryFarPairs(min_places=4)
    sampler.fit(dataset)
    codes = sampler.groups(dataset.items)
    expected = [i for i in range(30) if (codes == codes[i]).sum() >= 4]
    assert sampler.anchors.tolist() == expected


def test_near_other_category(dataset):
    sampler = NearOtherCategoryPairs(near=6, neighbours=12)
    sampler.fit(dataset)
    batch = sampler.draw(400, 2, np.random.default_rng(0))
    distance, (codes, _) = distances(dataset), dataset.items.codes("category")
    for a, c, rejected in zip(batch.anchor.tolist(), batch.chosen.tolist(), batch.rejected.tolist(), strict=True):
        assert codes[a] == codes[c] > 0
        near = sorted((i for i in range(N) if i != c), key=lambda i: distance[c, i])[:12]
        assert all(r in near and codes[r] != codes[a] for r in rejected)


def test_places_at_one_spot_still_give_pairs():
    dataset = city()
    frame = dataset.items.frame.assign(lat=40.0, lon=-74.0)
    sampler = FarPairs()
    sampler.fit(Dataset(Items.from_frame(frame.drop(columns="geometry")), dataset.interactions))
    batch = sampler.draw(200, 2, np.random.default_rng(0))
    assert (batch.anchor[:, None] != batch.rejected).all()


def slow_counts(dataset, window_h, max_steps):
    log = dataset.interactions.frame
    log = log[log["split"] == "train"]
    counts = {}
    for _, visits in log.groupby("user_id"):
        visits = list(visits[["item_id", "time"]].itertuples(index=False))
        for i, (first, start) in enumerate(visits):
            for second, end in visits[i + 1 : i + 1 + max_steps]:
                if first != second and (end - start).total_seconds() <= window_h * 3600:
                    pair = tuple(sorted((int(first[1:]), int(second[1:]))))
                    counts[pair] = counts.get(pair, 0) + 1
    return counts


def test_co_occurrences_are_the_loop(dataset):
    sampler = CollaborativePairs(quantile=0.8, window_h=20, max_steps=3, min_count=2)
    sampler.fit(dataset)
    expected = slow_counts(dataset, 20, 3)
    found = {tuple(pair): count for pair, count in zip(sampler.pairs.tolist(), sampler.counts.tolist(), strict=True)}
    assert found == expected
    assert sampler.threshold == max(2, np.quantile(list(expected.values()), 0.8))


def test_co_occurrences_see_the_training_split_only(dataset):
    log = dataset.interactions.frame
    shuffled = log.copy()
    late = log["split"] != "train"
    shuffled.loc[late, "item_id"] = log.loc[late, "item_id"].to_numpy()[::-1]
    cut = log[~late].reset_index(drop=True)
    results = []
    for frame in (log, shuffled, cut):
        sampler = CollaborativePairs(quantile=0.5, window_h=48)
        sampler.fit(Dataset(dataset.items, Interactions(frame)))
        batch = sampler.draw(64, 2, np.random.default_rng(0))
        results.append((sampler.pairs, sampler.counts, batch.anchor, batch.chosen, batch.rejected))
    for other in results[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(results[0], other, strict=True))


def test_collaborative_pairs_follow_the_counts(dataset):
    sampler = CollaborativePairs(quantile=0.8, window_h=20, max_steps=3, min_count=1)
    sampler.fit(dataset)
    counts = slow_counts(dataset, 20, 3)
    batch = sampler.draw(300, 2, np.random.default_rng(0))
    for a, c, rejected in zip(batch.anchor.tolist(), batch.chosen.tolist(), batch.rejected.tolist(), strict=True):
        assert counts[tuple(sorted((a, c)))] >= sampler.threshold
        assert all(tuple(sorted((a, r))) not in counts for r in rejected)


def test_no_check_ins_together_means_no_anchors(dataset):
    sampler = CollaborativePairs(window_h=0.0)
    frame = dataset.interactions.frame.drop_duplicates(["user_id", "time"]).reset_index(drop=True)
    sampler.fit(Dataset(dataset.items, Interactions(frame)))
    assert sampler.n_anchors == 0


def test_no_known_category_means_no_pairs_about_categories(dataset):
    frame = dataset.items.frame.assign(category="").drop(columns="geometry")
    sampler = NearOtherCategoryPairs()
    sampler.fit(Dataset(Items.from_frame(frame), dataset.interactions))
    assert sampler.n_anchors == 0


def test_log_uniform_ranks_halve_per_octave():
    ranks = log_uniform_ranks(np.full(60_000, 63), np.random.default_rng(0))
    assert ranks.min() == 0
    assert ranks.max() == 62
    octaves = np.bincount(np.floor(np.log2(ranks + 1)).astype(int)) / len(ranks)
    np.testing.assert_allclose(octaves, 1 / 6, atol=0.01)
    assert (log_uniform_ranks(np.ones(10, np.int64), np.random.default_rng(0)) == 0).all()


def test_first_accepted():
    accepted = np.array([[False, True, True], [False, False, False]])
    assert first_accepted(accepted, np.array([9, 2])).tolist() == [1, 2]


@pytest.mark.parametrize("n", [4, 6, 7])
def test_of_few_places_only_the_nearest_is_chosen(n):
    dataset = city(n=n)
    sampler = FarPairs(near=6, min_places=4)
    sampler.fit(dataset)
    batch = sampler.draw(200, 1, np.random.default_rng(0))
    distance = distances(dataset) + np.diag(np.full(n, np.inf))
    assert (batch.chosen.numpy() == distance.argmin(axis=1)[batch.anchor.numpy()]).all()


def test_defaults_are_those_of_the_configs():
    found = CollaborativePairs()
    assert (found.quantile, found.window_h, found.max_steps, found.min_count) == (0.9, 24.0, 5, 2)
    assert FarPairs().near == SameCategoryFarPairs().near == 20
    assert SameCategoryFarPairs().min_places == 8
