"""Preference pairs against the rules that define them."""

import numpy as np
import pandas as pd
import pytest
import torch

from lgsid.alignment import (
    AlternatingRejected,
    CollaborativePairs,
    FarPairs,
    NearbyRejected,
    NearOtherCategoryPairs,
    PairedRejected,
    PairSampler,
    SameCategoryFarPairs,
    SameCategoryRejected,
    TransitionPairs,
    UniformRejected,
)
from lgsid.alignment.sampling import first_accepted, log_uniform_ranks
from lgsid.artefacts import Dataset, Interactions, Items
from lgsid.errors import LgsidError
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
    CollaborativePairs(quantile=0.0, min_count=1, rejected=NearbyRejected(20)),
    TransitionPairs(),
    TransitionPairs(count_power=0.0, rejected=UniformRejected()),
]


def known(sampler):
    """The (N, N) table of what a sampler calls positive."""
    return sampler.is_positive(np.arange(N)[:, None], np.arange(N)[None])


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda s: type(s).__name__)
def test_what_is_chosen_is_positive_and_what_is_rejected_is_not(sampler, dataset):
    sampler.fit(dataset)
    batch = sampler.draw(2000, 3, np.random.default_rng(0))
    positive, anchor = known(sampler), batch.anchor.numpy()
    assert positive[anchor, batch.chosen.numpy()].all()
    assert not positive[anchor[:, None], batch.rejected.numpy()].any()


@pytest.mark.parametrize("near", [6, 200])
def test_positive_of_far_pairs_are_the_nearest(near, dataset):
    sampler = SameCategoryFarPairs(near=near)
    sampler.fit(dataset)
    distance, codes = distances(dataset), sampler.groups(dataset.items)
    for a in range(N):
        alike = [i for i in range(N) if i != a and codes[i] == codes[a]]
        expected = sorted(alike, key=lambda i: distance[a, i])[: min(near, (len(alike) + 1) // 4)]
        assert set(np.flatnonzero(known(sampler)[a])) - {a} == set(expected)


def slow_transitions(dataset):
    """Last place and next place that is new to the user, counted in a plain loop over training check-ins."""
    log = dataset.interactions.frame
    counts, last, seen = {}, {}, {}
    for row in log[log["split"] == "train"].itertuples():
        user, place = row.user_id, int(row.item_id[1:])
        if user in last and place not in seen[user]:
            counts[last[user], place] = counts.get((last[user], place), 0) + 1
        last[user] = place
        seen.setdefault(user, set()).add(place)
    return counts


def test_transitions_are_the_loop(dataset):
    sampler = TransitionPairs()
    sampler.fit(dataset)
    found = {tuple(pair): count for pair, count in zip(sampler.pairs.tolist(), sampler.counts.tolist(), strict=True)}
    assert found == slow_transitions(dataset)
    assert len(found) > 50
    assert known(sampler).sum() == len(found)


def test_pairs_are_drawn_by_the_power_of_their_count(dataset):
    for power in (0.0, 1.0, 2.0):
        sampler = CollaborativePairs(quantile=0.0, min_count=1, window_h=48, count_power=power)
        sampler.fit(dataset)
        batch = sampler.draw(60_000, 1, np.random.default_rng(0))
        code = np.sort(sampler.pairs[:, 0] * N + sampler.pairs[:, 1])
        drawn = np.searchsorted(code, (batch.anchor * N + batch.chosen).numpy())
        weight = sampler.counts.astype(float) ** power
        share = np.bincount(drawn, minlength=len(code)) / len(drawn)
        np.testing.assert_allclose(share, weight / weight.sum(), atol=0.002)


def test_all_pairs_are_kept_if_asked_for(dataset):
    sampler = CollaborativePairs(quantile=0.0, min_count=1, window_h=48)
    sampler.fit(dataset)
    batch = sampler.draw(100_000, 1, np.random.default_rng(0))
    assert len(set(zip(batch.anchor.tolist(), batch.chosen.tolist(), strict=True))) == len(sampler.pairs)


def test_rejected_places_come_from_where_they_are_asked_for(dataset):
    pairs = np.array([[3, 7], [3, 9], [7, 3]])
    chosen, rng = np.arange(N).repeat(50), np.random.default_rng(0)
    distance = distances(dataset)
    near, anywhere, paired = NearbyRejected(15), UniformRejected(), PairedRejected()
    for kind in (near, anywhere, paired):
        kind.fit(dataset, pairs)
    drawn = near.propose(chosen, 2, 4, rng)
    assert drawn.shape == (len(chosen), 2, 4)
    rank = (distance[chosen[:, None, None], drawn][..., None] > distance[chosen][:, None, None, :]).sum(
        -1
    )  # itself is 0
    assert rank.min() == 1
    assert rank.max() == 15
    octaves = np.bincount(np.floor(np.log2(rank)).astype(int).ravel()) / rank.size
    np.testing.assert_allclose(octaves, 1 / 4, atol=0.01)
    share = np.bincount(anywhere.propose(chosen, 2, 4, rng).ravel(), minlength=N) / (8 * len(chosen))
    np.testing.assert_allclose(share, 1 / N, rtol=0.25)
    share = np.bincount(paired.propose(chosen, 2, 4, rng).ravel(), minlength=10) / (8 * len(chosen))
    np.testing.assert_allclose(share[[3, 7, 9]], [1 / 2, 1 / 3, 1 / 6], atol=0.01)


def test_rejected_places_of_the_same_category_are_its_nearest(dataset):
    categories = dataset.items.codes("category")[0]
    distance, chosen = distances(dataset), np.arange(N).repeat(40)
    sampler = SameCategoryRejected(3)
    sampler.fit(dataset, np.empty((0, 2), np.int64))
    drawn = sampler.propose(chosen, 2, 4, np.random.default_rng(0))
    assert drawn.shape == (len(chosen), 2, 4)
    for place in range(N):
        alike = np.flatnonzero((categories == categories[place]) & (np.arange(N) != place))
        nearest = alike[np.argsort(distance[place, alike])][:3]
        assert set(drawn[chosen == place].ravel()) == set(nearest)


def test_a_place_alone_in_its_category_rejects_any_places(dataset):
    frame = dataset.items.frame.assign(category=["only"] + ["other"] * (N - 1))
    alone = Dataset(Items(frame), dataset.interactions)
    sampler = SameCategoryRejected(3)
    sampler.fit(alone, np.empty((0, 2), np.int64))
    drawn = sampler.propose(np.zeros(100, np.int64), 1, 16, np.random.default_rng(0))
    assert len(set(drawn.ravel())) > N / 2


def test_kinds_of_rejected_places_alternate(dataset):
    near, anywhere = NearbyRejected(5), UniformRejected()
    sampler = AlternatingRejected([near, anywhere])
    sampler.fit(dataset, np.empty((0, 2), np.int64))
    chosen = np.arange(N).repeat(50)
    drawn = sampler.propose(chosen, 3, 4, np.random.default_rng(0))
    order = distances(dataset)[chosen].argsort(1).argsort(1)  # rank of each place by distance, itself 0
    rank = np.take_along_axis(order, drawn.reshape(len(chosen), -1), 1).reshape(drawn.shape)
    assert rank[:, [0, 2]].max() == 5
    assert rank[:, 1].max() > N / 2
    assert sampler.propose(chosen, 1, 4, np.random.default_rng(0)).shape == (len(chosen), 1, 4)
    with pytest.raises(LgsidError, match=r"AlternatingRejected: kinds is empty; give at least one"):
        AlternatingRejected([])


def test_an_anchor_known_to_nearly_all_places_rejects_the_one_left():
    dataset = city(n=20)
    hours = pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(np.arange(2 * 18), unit="h")
    there = [f"p{i // 2 + 1}" if i % 2 else "p0" for i in range(36)]  # p0 with p1 .. p18, never with p19
    log = pd.DataFrame(
        {"user_id": [f"u{i // 2}" for i in range(36)], "item_id": there, "time": hours, "hour": 0, "weekday": 0}
    )
    sampler = CollaborativePairs(quantile=0.0, min_count=1, rejected=NearbyRejected(3))
    sampler.fit(Dataset(dataset.items, Interactions(log.assign(split="train"))))
    batch = sampler.draw(500, 2, np.random.default_rng(0))
    assert (batch.rejected[batch.anchor == 0] == 19).all()
    assert (batch.anchor == 0).any()
    log = pd.concat([log, log.tail(2).assign(item_id=["p0", "p19"], time=log["time"].tail(2) + pd.Timedelta("1D"))])
    sampler.fit(Dataset(dataset.items, Interactions(log.assign(split="train").reset_index(drop=True))))
    assert (sampler.draw(500, 1, np.random.default_rng(0)).anchor != 0).all()  # nothing is left to reject


def test_a_quantile_out_of_range_is_one_clear_line():
    with pytest.raises(LgsidError, match=r"CollaborativePairs: quantile must lie between 0 and 1, not 1\.5"):
        CollaborativePairs(quantile=1.5)


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
    once = slow_counts(dataset, 20, 3)
    expected = once | {(b, a): count for (a, b), count in once.items()}  # each place is an anchor
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


def test_two_check_ins_in_all_are_a_pair(dataset):
    frame = dataset.interactions.frame
    two = frame[(frame["user_id"] == frame["user_id"].iloc[0]) & (frame["split"] == "train")].drop_duplicates("item_id")
    sampler = CollaborativePairs(quantile=0.0, window_h=1e6, max_steps=5, min_count=1)
    sampler.fit(Dataset(dataset.items, Interactions(two.head(2).reset_index(drop=True))))
    first, second = dataset.items.rows(two["item_id"].head(2)).tolist()
    assert sorted(map(tuple, sampler.pairs.tolist())) == sorted([(first, second), (second, first)])


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
    assert found.count_power == 0
    assert isinstance(found.rejected, PairedRejected)
    assert isinstance(TransitionPairs().rejected, NearbyRejected)
    assert (TransitionPairs().count_power, TransitionPairs().min_count) == (1, 1)
    assert FarPairs().near == SameCategoryFarPairs().near == 20
    assert SameCategoryFarPairs().min_places == 8
