import tracemalloc
from itertools import islice

import numpy as np
import pytest

from lgsid.datasets import DatasetBuilder, SyntheticCity, TemporalSplit
from lgsid.datasets.synthetic import choosing, life, people
from lgsid.datasets.synthetic.city_plan import create_plan
from lgsid.datasets.synthetic.kinds import KINDS
from lgsid.datasets.synthetic.people import HABIT_REACH_KM
from lgsid.datasets.synthetic.words import shuffled
from lgsid.errors import LgsidError
from lgsid.testing import toy_city, toy_source


@pytest.fixture(scope="module")
def city():
    return toy_source(n_items=70, n_users=10, n_checkins=300)


def test_same_seed_same_city(city):
    again, other = toy_source(70, 10, 300), toy_source(70, 10, 300, seed=1)
    first = city.read()
    assert first.interactions.equals(again.read().interactions)
    assert first.items.equals(again.read().items)
    assert not first.interactions.equals(other.read().interactions)


def test_counts_and_names(city):
    raw = city.read()
    assert len(raw.items) == 70
    assert len(raw.interactions) == 300
    assert raw.interactions["user_id"].nunique() == 10
    alone = raw.items["name"][city.world.places.chain < 0]
    assert alone.is_unique
    for number in range(city.world.places.chain.max() + 1):
        branches = raw.items[city.world.places.chain == number]
        assert len(branches) >= 3
        assert branches["name"].nunique() == branches["category"].nunique() == 1


def test_probabilities_against_a_loop(city):
    """The definition, written out for single events."""
    people, places = city.world.people, city.world.places
    user = np.array([0, 3, 3, 9])
    second = np.array([9, 13, 86400 * 5 + 20 * 3600, 40]) * np.array([3600, 3600, 1, 3600])
    last, last_second = np.array([-1, 5, 8, 2]), np.array([0, 12 * 3600, 86400 * 5 + 19 * 3600, 0])
    got = city.probabilities(user, second, last, last_second)
    for q in range(4):
        hour, weekend = second[q] // 3600 % 24, int(second[q] // 86400 % 7 >= 5)
        if last[q] >= 0 and second[q] - last_second[q] <= 4 * 3600:
            origin = last[q]
        elif not weekend and 9 <= hour < 17:
            origin = people.work[user[q]]
        else:
            origin = len(places.kind) + user[q]
        kinds = people.profile[weekend, hour] * people.taste[user[q]]
        kinds = kinds / kinds.sum()
        expected = np.zeros(70)
        for c in range(len(KINDS)):
            of_kind = np.flatnonzero(places.kind == c)
            km = people.city.distance_km(people.origins_m[[origin]], places.xy_m[of_kind])[0]
            liking = people.liking.of(user[q], places.chain[of_kind])
            pull = places.appeal[of_kind] * liking * np.exp(-km / KINDS[c].reach_km)
            p = pull / pull.sum()
            known = people.favorites[user[q], c].tolist()
            habit = [0.35 ** known.index(place) if place in known else 0.0 for place in of_kind.tolist()]
            habit = np.array(habit) * np.exp(-km / HABIT_REACH_KM)
            if habit.sum() > 0:
                p = people.loyalty * habit / habit.sum() + (1 - people.loyalty) * p
            expected[of_kind] = kinds[c] * p
        np.testing.assert_allclose(got[q], expected, rtol=1e-9)
        assert expected.sum() == pytest.approx(1)


@pytest.mark.parametrize("place_by_place", [True, False])
def test_events_follow_the_probabilities(place_by_place, monkeypatch):
    """Log-likelihood of what happened is what the probabilities promise, within four standard errors."""
    monkeypatch.setattr(life, "PLACE_BY_PLACE", 60 * place_by_place)
    source = SyntheticCity(n_places=60, n_users=20, n_checkins=4000, n_districts=3, n_neighbourhoods=8, seed=3)
    dataset = DatasetBuilder("c", source, TemporalSplit()).build()
    rows = np.arange(len(dataset.interactions))
    p = source.oracle(dataset, rows)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    log_p = np.log(np.maximum(p, 1e-300))
    promised, variance = (p * log_p).sum(axis=1), (p * log_p**2).sum(axis=1) - (p * log_p).sum(axis=1) ** 2
    happened = log_p[rows, dataset.item_rows]
    assert abs((happened - promised).sum()) < 4 * np.sqrt(variance.sum())
    best = p.max(axis=1)
    hits = (p.argmax(axis=1) == dataset.item_rows).sum()
    assert abs(hits - best.sum()) < 4 * np.sqrt((best * (1 - best)).sum())


def test_oracle_needs_its_own_city(city):
    builder = DatasetBuilder("c", toy_source(90, 10, 300), TemporalSplit())
    with pytest.raises(LgsidError, match="not made from this city"):
        city.oracle(builder.build(), np.arange(3))


def test_map_has_regions_that_nest(city):
    areas, districts = city.world.city.neighborhoods, city.world.city.districts
    assert len(areas) == 8
    assert len(districts) == 3
    assert areas["name"].is_unique
    assert districts["name"].is_unique
    for _, area in areas.iterrows():
        of = districts[districts["name"] == area["district"]].geometry.iloc[0]
        assert of.buffer(1e-9).contains(area.geometry)
    area = areas.to_crs(areas.estimate_utm_crs()).area.sum()
    land = city.world.city.land.area
    assert area == pytest.approx(land, rel=0.02)
    assert city.world.city.contains(city.world.places.xy_m).all()


def test_crossing_the_river_costs(city):
    map_ = city.world.city
    here, across = np.array([[0.0, 1500.0]]), np.array([[0.0, -2000.0]])
    assert map_.bank(here) == 1
    assert map_.bank(across) == 0
    assert map_.distance_km(here, across)[0, 0] == pytest.approx(3.5 + 0.8)


@pytest.mark.parametrize("seed", range(4))
def test_maps_of_many_sizes(seed):
    for districts, areas in ((2, 2), (3, 8), (7, 28), (9, 60)):
        plan = create_plan(districts, areas, 5000.0, np.random.default_rng(seed))
        assert len(plan.neighborhoods) == areas
        assert not plan.neighborhoods.geometry.is_empty.any()


def test_toy_city_reads_back(tmp_path):
    dataset = toy_city(folder=tmp_path / "city")
    assert dataset.data_hash
    assert len(dataset.items) == 60
    assert dataset.region_names == ["district", "neighbourhood"]
    assert (dataset.items.frame["brand"] != "").any()
    assert not (dataset.items.frame[["region_1", "region_2"]] == "").any(axis=None)


@pytest.mark.parametrize("wrong", [{"n_places": 10}, {"n_districts": 1}, {"chain_share": 1.5}, {"n_checkins": 3}])
def test_impossible_cities(wrong):
    with pytest.raises(LgsidError, match="SyntheticCity"):
        SyntheticCity(**wrong)


def test_a_large_city_does_not_run_out_of_names():
    words = shuffled((["a", "b"], ["c"]), "", np.random.default_rng(0))
    names = list(islice(words, 40))
    assert len(set(names)) == 40
    assert set(names[:2]) == {"ac", "bc"}


def test_weighing_places_in_parts_makes_the_same_city(city, monkeypatch):
    monkeypatch.setattr(people, "CHUNK", 150)
    monkeypatch.setattr(choosing, "CHUNK", 150)
    monkeypatch.setattr(life, "TIMES", 7)
    again = toy_source(n_items=70, n_users=10, n_checkins=300)
    assert again.read().interactions.equals(city.read().interactions)


def test_a_large_city_takes_little_memory():
    """A table of people and places would be 120 MB, one of places and places 800 MB."""
    source = SyntheticCity(n_places=10_001, n_users=1_500, n_checkins=5_000)
    tracemalloc.start()
    raw = source.read()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(raw.items) == 10_001
    assert raw.items["item_id"].is_unique
    assert raw.interactions["user_id"].nunique() == 1_500
    assert peak < 100e6


def test_an_oracle_of_a_large_city_is_one_of_a_small_one(monkeypatch):
    monkeypatch.setattr(life, "PLACE_BY_PLACE", 0)
    source = toy_source(n_items=70, n_users=10, n_checkins=300)
    dataset = DatasetBuilder("c", source, TemporalSplit()).build()
    np.testing.assert_allclose(source.oracle(dataset, np.arange(300)).sum(axis=1), 1)
