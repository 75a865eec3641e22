"""Next-place retrieval against a plain loop over the check-ins."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from lgsid.artefacts import CheckInLog
from lgsid.artefacts.held_out import held_out
from lgsid.commands.prepare_data import builder_of
from lgsid.errors import LgsidError
from lgsid.functional.distances import haversine_m
from lgsid.metrics import NextPlaceQueries, NextPlaceRetrieval
from lgsid.testing.toy_city import toy_city

DATA = Path(os.environ.get("LGSID_DATA", "../shared/data"))
K, WEIGHTS = 5, (0.5, 2.0)


@pytest.fixture(scope="module")
def city():
    return toy_city(n_items=60, n_users=12, n_checkins=500)


@pytest.fixture(scope="module")
def vectors():
    return torch.randn(60, 8, generator=torch.Generator().manual_seed(0))


def slow_queries(dataset, split):
    """Walk through the table: user, target and all earlier places, where there are any and the target is not one."""
    past, found = {}, []
    for row, (user, item, part) in enumerate(
        zip(dataset.user_rows, dataset.item_rows, dataset.interactions.frame["split"], strict=True)
    ):
        before = past.setdefault(user, [])
        if part == split and before and item not in before:
            found.append((row, user, item, list(before)))
        before.append(item)
    return found


def slow_ranks(dataset, vectors, split):
    """Rank each target by each score among the places where the user was not; also how many places compete."""
    unit = torch.nn.functional.normalize(vectors.double(), dim=1).numpy()
    spread = np.std(unit @ unit.T)
    lat, lon = dataset.items.lat_deg, dataset.items.lon_deg
    ranks = []
    for _, _, target, past in slow_queries(dataset, split):
        mean = unit[past].mean(0)
        here = [torch.tensor(v[past[-1]]) for v in (lat, lon)]
        km = haversine_m(*here, torch.tensor(lat), torch.tensor(lon)).numpy() / 1000
        nearness = -np.log(km + 0.1)
        scores = {("distance", None): nearness}
        for name, origin in (("last", unit[past[-1]]), ("history", mean / np.linalg.norm(mean))):
            cosine = unit @ origin / spread
            scores |= {(name, None): cosine} | {(name, w): cosine + w * nearness for w in WEIGHTS}
        rivals = [i for i in range(len(unit)) if i not in past and i != target]
        own = {key: 1 + sum(s[i] >= s[target] - 1e-6 for i in rivals) for key, s in scores.items()}
        ranks.append(own | {"competing": len(rivals) + 1})
    return ranks


def hit(ranks, key):
    return [rank[key] <= K for rank in ranks]


def metric_of(dataset, chunk_size=7):
    log, items = CheckInLog.of(dataset), dataset.items
    lat, lon, counts = items.lat_deg.copy(), items.lon_deg.copy(), log.item_counts(len(items), "train")
    mask = torch.from_numpy(held_out(items.ids, 0.3))
    places = (torch.from_numpy(lat), torch.from_numpy(lon), torch.from_numpy(counts), mask)
    return NextPlaceRetrieval(*places, k=K, weights=WEIGHTS, chunk_size=chunk_size), log


@pytest.mark.parametrize("split", ["val", "test"])
def test_queries_are_those_of_a_loop_over_the_table(city, split):
    expected = slow_queries(city, split)
    found = NextPlaceQueries.of(CheckInLog.of(city), split)
    assert found.row.tolist() == [query[0] for query in expected]
    assert found.user.tolist() == [query[1] for query in expected]
    assert found.target.tolist() == [query[2] for query in expected]
    assert found.last.tolist() == [query[3][-1] for query in expected]
    past, owner = found.past_of(2, 5)
    assert [past[owner == i].tolist() for i in range(3)] == [query[3] for query in expected[2:5]]


def test_fewer_queries_are_spread_over_the_split_and_none_is_an_error(city):
    log = CheckInLog.of(city)
    everything, few = NextPlaceQueries.of(log, "test"), NextPlaceQueries.of(log, "test", 5)
    assert len(few) == 5
    assert few.row[0] == everything.row[0]
    assert few.row[-1] == everything.row[-1]
    at = int((everything.row == few.row[2]).nonzero())
    assert torch.equal(few.past_of(2, 3)[0], everything.past_of(at, at + 1)[0])
    with pytest.raises(LgsidError, match="no check-in at a place new to its user"):
        NextPlaceQueries.of(log, "elsewhere")


def test_ranks_weights_and_numbers_are_those_of_a_loop(city, vectors):
    metric, log = metric_of(city)
    metric.update(vectors, NextPlaceQueries.of(log, "val"), validation=True)
    metric.update(vectors, NextPlaceQueries.of(log, "test"))
    ranks, values = metric.ranks(), metric.compute()
    tried, expected = slow_ranks(city, vectors, "val"), slow_ranks(city, vectors, "test")
    best = {o: max(WEIGHTS, key=lambda w: sum(hit(tried, (o, w)))) for o in ("last", "history")}
    columns = {"last": ("last", None), "history": ("history", None), "distance": ("distance", None)}
    columns |= {f"{origin}+distance": (origin, weight) for origin, weight in best.items()}
    for key, column in columns.items():
        assert ranks[key].tolist() == [rank[column] for rank in expected], key
        assert float(values[f"{key}/hit@{K}"]) == pytest.approx(np.mean(hit(expected, column)))
        gains = [1 / rank[column] if rank[column] <= K else 0 for rank in expected]
        assert float(values[f"{key}/mrr@{K}"]) == pytest.approx(np.mean(gains))
    for origin, weight in best.items():
        assert values[f"{origin}+distance/weight"] == weight
    assert float(values[f"chance/hit@{K}"]) == pytest.approx(np.mean([K / rank["competing"] for rank in expected]))
    harmonic = sum(1 / r for r in range(1, K + 1))
    chance = np.mean([harmonic / rank["competing"] for rank in expected])
    assert float(values[f"chance/mrr@{K}"]) == pytest.approx(chance)


def test_slices_are_means_over_their_queries(city, vectors):
    metric, log = metric_of(city)
    assert torch.equal(NextPlaceRetrieval.of(city.items, log, held_out(city.items.ids, 0.3)).member, metric.member)
    metric.update(vectors, NextPlaceQueries.of(log, "test"))
    values, targets = metric.compute(), [query[2] for query in slow_queries(city, "test")]
    hits = np.array(hit(slow_ranks(city, vectors, "test"), ("last", None)))
    visited = set(city.item_rows[(city.interactions.frame["split"] == "train").to_numpy()].tolist())
    warm = np.array([target in visited for target in targets])
    out = held_out(city.items.ids, 0.3)[targets]
    for part, mask in {"": warm | ~warm, "warm/": warm, "cold/": ~warm, "held_out/": out}.items():
        assert values[f"{part}queries"] == mask.sum(), part
        assert mask.any()
        assert float(values[f"{part}last/hit@{K}"]) == pytest.approx(hits[mask].mean())


def test_without_validation_queries_weights_are_chosen_on_those_given(city, vectors):
    metric, log = metric_of(city)
    metric.update(vectors, NextPlaceQueries.of(log, "test"))
    ranks = slow_ranks(city, vectors, "test")
    best = max(np.mean(hit(ranks, ("last", weight))) for weight in WEIGHTS)
    assert float(metric.compute()[f"last+distance/hit@{K}"]) == pytest.approx(best)
    metric.reset()
    metric.update(vectors, NextPlaceQueries.of(log, "test"), validation=True)
    assert float(metric.compute()[f"last+distance/hit@{K}"]) == pytest.approx(best)


def test_neither_chunks_nor_the_length_of_vectors_nor_a_turn_change_the_ranks(city, vectors):
    turned = torch.linalg.qr(torch.randn(8, 8, generator=torch.Generator().manual_seed(1)))[0]
    found = []
    for chunk_size, table in ((1000, vectors), (3, vectors * torch.arange(1, 61)[:, None]), (7, vectors @ turned)):
        metric, log = metric_of(city, chunk_size)
        metric.update(table, NextPlaceQueries.of(log, "test"))
        found.append(metric.ranks())
    for other in found[1:]:
        assert all(torch.equal(other[key], rank) for key, rank in found[0].items())


def test_vectors_that_point_to_the_answer_rank_it_first(city):
    log = CheckInLog.of(city)
    queries = NextPlaceQueries.of(log, "test")
    last = int(queries.last.mode().values)  # the place that most queries start from
    pair = torch.cat([torch.tensor([last]), queries.target[queries.last == last][:1]])
    vectors = torch.eye(60)
    vectors[pair] = torch.eye(60)[last]
    metric = NextPlaceRetrieval.of(city.items, log)
    metric.update(vectors, queries)
    first = int((queries.last == last).nonzero()[0])
    assert metric.ranks()["last"][first] == 1
    unrelated = (queries.last == last) & ~torch.isin(queries.target, pair)  # behind all, since all others tie
    assert metric.ranks()["last"][unrelated].tolist() == metric.ranks()["competing"][unrelated].tolist()
    assert "held_out/queries" not in metric.compute()


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.skipif(not (DATA / "foursquare_nyc").is_dir(), reason="needs foursquare_nyc in LGSID_DATA")
def test_the_known_queries_and_the_nearest_place_of_foursquare_nyc():
    dataset = builder_of(Path("configs/data/foursquare_nyc.yaml")).build()
    log = CheckInLog.of(dataset)
    metric = NextPlaceRetrieval.of(dataset.items, log)
    metric.update(torch.eye(len(dataset.items), 4), NextPlaceQueries.of(log, "test"))
    values = metric.compute()
    assert values["queries"] == 2125
    assert float(values["distance/hit@10"]) == pytest.approx(0.075, abs=0.0005)
    assert float(values["distance/mrr@10"]) == pytest.approx(0.034, abs=0.0005)
