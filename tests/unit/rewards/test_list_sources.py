from collections import Counter

import numpy as np
import pytest
import torch
from scipy import stats

from lgsid.artefacts import Dataset
from lgsid.errors import LgsidError
from lgsid.functional.distances import haversine_m
from lgsid.rewards import (
    CrossedLists,
    DistanceLists,
    ListPlaces,
    ListSource,
    MismatchedLists,
    NextVisitLists,
    PromptBook,
    UniformLists,
)
from lgsid.testing import toy_city
from lgsid.text import PromptTemplate
from lgsid.typing import RewardBatch


@pytest.fixture(scope="module")
def city() -> Dataset:
    return toy_city(n_items=120, n_users=30, n_checkins=3000)


@pytest.fixture(scope="module")
def places(city: Dataset) -> ListPlaces:
    rows = np.flatnonzero(np.arange(120) % 4 > 0)
    return ListPlaces(city, rows, PromptBook(PromptTemplate(), city.items), 9)


def drawn(source: ListSource, places: ListPlaces, times: int = 1, seed: int = 0) -> RewardBatch:
    rng = np.random.default_rng(seed)
    sampler = source.sampler(places, rng)
    return sampler.draw(np.tile(sampler.anchors, times), rng)


def next_visits(dataset: Dataset) -> Counter[tuple[str, str]]:
    """Count with a loop: from a user's last place to the next, where that is new to the user, in the training."""
    last: dict[str, str] = {}
    been: dict[str, set[str]] = {}
    found: Counter[tuple[str, str]] = Counter()
    for user, item, split in dataset.interactions.frame[["user_id", "item_id", "split"]].itertuples(index=False):
        if split == "train" and user in last and item not in been[user]:
            found[last[user], item] += 1
        if split == "train":
            last[user] = item
        been.setdefault(user, set()).add(item)
    return found


@pytest.mark.parametrize(
    "source", [DistanceLists(30, 2), UniformLists(), CrossedLists(30, 2), MismatchedLists(40, 12, 30, 2)]
)
def test_lists_of_distances_are_labeled_by_rank(source: ListSource, places: ListPlaces, city: Dataset) -> None:
    lists = drawn(source, places)
    assert lists.candidate.shape == (len(lists), 10)
    lat, lon = city.items.lat_deg, city.items.lon_deg
    for place, label, km in zip(
        lists.candidate.tolist(), lists.label.tolist(), lists.distance_km.tolist(), strict=True
    ):
        assert len(set(place)) == 10
        assert set(place) <= set(places.rows.tolist())
        expected = [
            haversine_m(*(torch.tensor(v) for v in (lat[place[0]], lon[place[0]], lat[j], lon[j]))).item() / 1000
            for j in place
        ]
        assert km == pytest.approx(expected, rel=1e-5)
        assert label == pytest.approx([10.0, *(10.0 - stats.rankdata(km[1:]))])


def test_what_the_prompts_of_each_kind_say(places: ListPlaces, city: Dataset) -> None:
    contents, locations = places.book.template.contents(city.items), places.book.template.locations(city.items)
    for source in (DistanceLists(), UniformLists(), NextVisitLists(), CrossedLists(), MismatchedLists(30)):
        lists, own = drawn(source, places), []
        for place, prompt in zip(lists.candidate.tolist(), lists.prompt.tolist(), strict=True):
            said = [places.book.texts[row] for row in prompt]
            assert all(text.endswith(f". {locations[j]}") for text, j in zip(said, place, strict=True))
            who = [place[0]] * 10 if source.kind == "mismatched" else place
            own += [
                text == places.book.template.join(contents[i], locations[j])
                for text, i, j in zip(said, who, place, strict=True)
            ]
        assert source.has_full_prompts == (source.kind not in ("crossed", "mismatched"))
        assert np.mean(own) == (1.0 if source.kind != "crossed" else pytest.approx(0.5, abs=0.1))


def test_density_aware_lists_are_nearer_than_uniform_ones(places: ListPlaces) -> None:
    near, far = (drawn(source, places).distance_km[:, 1:].median() for source in (DistanceLists(30, 1), UniformLists()))
    assert near < 0.7 * far


def test_next_visits_are_counted_in_the_training_alone(places: ListPlaces, city: Dataset) -> None:
    ids, expected = city.items.ids, next_visits(city)
    lists = drawn(NextVisitLists(n_relevant=3), places, times=20)
    inside = set(places.rows.tolist())
    seen = set()
    for place, label in zip(lists.candidate.tolist(), lists.label.tolist(), strict=True):
        counts = [expected[ids[place[0]], ids[j]] for j in place[1:]]
        assert label == [max(counts) + 1, *counts]
        assert 1 <= sum(count > 0 for count in counts) <= 3
        assert len(set(place)) == 10
        assert set(place) <= inside
        seen |= {(ids[place[0]], ids[j]) for j, count in zip(place[1:], counts, strict=True) if count}
    row = {item: i for i, item in enumerate(ids)}
    possible = {pair for pair in expected if row[pair[0]] in inside and row[pair[1]] in inside}
    assert seen <= possible
    assert len(seen) > 0.9 * len(possible)


def test_what_came_after_the_training_is_not_looked_at(city: Dataset) -> None:
    frame = city.interactions.frame
    book = PromptBook(PromptTemplate(), city.items)
    cut = Dataset(city.items, type(city.interactions)(frame[frame["split"] == "train"].reset_index(drop=True)))
    one, other = (drawn(NextVisitLists(), ListPlaces(d, np.arange(120), book, 9)) for d in (city, cut))
    assert torch.equal(one.candidate, other.candidate)
    assert torch.equal(one.label, other.label)


def test_relevant_places_are_drawn_by_their_counts(places: ListPlaces) -> None:
    rng = np.random.default_rng(0)
    sampler = NextVisitLists(n_relevant=1).sampler(places, rng)
    many = next(
        a for a in sampler.anchors.tolist() if sampler.visits(places.positions(np.array(a)), np.arange(90)).max() > 1
    )
    counts = sampler.visits(places.positions(np.array(many)), np.arange(len(places.rows)))
    lists = sampler.draw(np.full(4000, many), rng)
    chosen = places.positions(lists.candidate[:, 1:].numpy())[lists.label[:, 1:].numpy() > 0]
    share = np.bincount(chosen, minlength=len(counts)) / 4000
    np.testing.assert_allclose(share, counts / counts.sum(), atol=0.04)


def test_the_others_are_as_far_as_the_next_places_or_as_popular(city: Dataset) -> None:
    """Ranks of near candidates follow those of next visits; popular ones follow the number of arrivals."""
    book = PromptBook(PromptTemplate(), city.items)
    places = ListPlaces(city, np.arange(120), book, 9)
    lat, lon = torch.tensor(city.items.lat_deg), torch.tensor(city.items.lon_deg)
    distance = haversine_m(lat[:, None], lon[:, None], lat, lon)
    rank = (distance[:, None, :] < distance[:, :, None]).sum(-1)  # (from, to)

    def others(popular_share: float) -> tuple[torch.Tensor, torch.Tensor]:
        lists = drawn(NextVisitLists(1, popular_share, n_neighbours=119), places, times=10)
        return lists.candidate[:, :1].expand(-1, 9)[lists.label[:, 1:] == 0], lists.candidate[:, 1:][
            lists.label[:, 1:] == 0
        ]

    expected = next_visits(city)
    row = {item: i for i, item in enumerate(city.items.ids)}
    of_visits = np.concatenate([[rank[row[a], row[b]].item()] * n for (a, b), n in expected.items()])
    start, near = others(0.0)
    assert np.median(rank[start, near]) == pytest.approx(np.median(of_visits), rel=0.35)
    arrivals = np.zeros(120)
    for (_, to), n in expected.items():
        arrivals[row[to]] += n
    _, popular = others(1.0)
    by_popularity, by_nearness = (
        stats.spearmanr(np.bincount(place, minlength=120), arrivals).statistic for place in (popular, near)
    )
    assert by_popularity > by_nearness + 0.1


def test_lists_are_filled_where_most_places_are_next_places(city: Dataset) -> None:
    """Four places, three of them next places of some: anchors without enough others are no anchors."""
    rows = np.arange(8)
    places = ListPlaces(city, rows, PromptBook(PromptTemplate(), city.items), 5)
    sampler = NextVisitLists(n_relevant=2, popular_share=1.0).sampler(places, np.random.default_rng(0))
    expected = next_visits(city)
    ids = city.items.ids
    n_next = {i: sum(expected[ids[i], ids[j]] > 0 for j in rows) for i in rows}
    assert sampler.anchors.tolist() == [i for i in rows if 0 < n_next[i] <= 3]
    lists = sampler.draw(np.repeat(sampler.anchors, 50), np.random.default_rng(1))
    assert all(len(set(row)) == 6 for row in lists.candidate.tolist())


@pytest.mark.parametrize("source", [DistanceLists(), CrossedLists(), MismatchedLists(20), NextVisitLists()])
def test_the_generator_is_the_only_randomness(source: ListSource, places: ListPlaces) -> None:
    one, same, other = (drawn(source, places, seed=seed).candidate for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_mistakes_are_one_line(places: ListPlaces) -> None:
    for make, message in (
        (lambda: DistanceLists(0), "DistanceLists: n_neighbours must be at least 1"),
        (lambda: CrossedLists(n_far=-1), "CrossedLists: n_neighbours must be at least 1 and n_far at least 0"),
        (lambda: MismatchedLists(n_contents=0), "MismatchedLists: n_contents must be at least 1, not 0"),
        (lambda: NextVisitLists(popular_share=1.5), "popular_share from 0 to 1"),
        (lambda: drawn(NextVisitLists(n_relevant=9), places), "n_relevant 9 must be below n_candidates 9"),
        (lambda: drawn(MismatchedLists(n_locations=5), places), "n_locations 5 must not be below n_candidates 9"),
    ):
        with pytest.raises(LgsidError, match=message):
            make()
