"""Rejection over cells draws with the probabilities that weighing every place has."""

import numpy as np
import pytest
from scipy.stats import chisquare

from lgsid.datasets.synthetic import choosing
from lgsid.datasets.synthetic.choosing import FROM_WORK, OFFICE, CellByCell, PlaceByPlace
from lgsid.datasets.synthetic.city_places import create_places
from lgsid.datasets.synthetic.city_plan import create_plan
from lgsid.datasets.synthetic.kinds import KINDS
from lgsid.datasets.synthetic.likings import HashedLikings
from lgsid.datasets.synthetic.people import FAVORITES

DRAWS = 4000


@pytest.fixture(scope="module")
def cells():
    rng = np.random.default_rng(0)
    plan = create_plan(3, 8, 3000.0, rng)
    return CellByCell(plan, create_places(plan, 500, 0.5, rng), rng)


def expected(cells, kind, user, from_m, excluded=()):
    """The probabilities of the places of a kind, by a plain sum over all of them."""
    places, weight = cells.places, np.zeros(500)
    for place in np.flatnonzero(places.kind == kind):
        if place not in excluded:
            km = cells.city.distance_km(from_m, places.xy_m[[place]])[:, 0]
            liking = float(cells.liking.of(np.array([user]), places.chain[[place]])[0])
            near = sum(
                share * np.exp(-d / KINDS[kind].reach_km) for share, d in zip((1.0, FROM_WORK), km, strict=False)
            )
            weight[place] = places.appeal[place] * liking * near
    return weight / weight.sum()


@pytest.mark.parametrize("rounds", [0, choosing.ROUNDS])
@pytest.mark.parametrize(("category", "points"), [("Coffee Shop", 1), ("Coffee Shop", 2), ("Park", 2), ("Library", 1)])
def test_draws_have_the_probabilities_of_a_plain_sum(cells, category, points, rounds, monkeypatch):
    monkeypatch.setattr(choosing, "ROUNDS", rounds)
    kind = next(c for c, one in enumerate(KINDS) if one.category == category)
    from_m = np.array([[600.0, 900.0], [-1500.0, -1400.0]])[:points]
    user, rng = np.full(DRAWS, 7), np.random.default_rng(1)
    trips = cells.trips(user, kind, np.broadcast_to(from_m, (DRAWS, points, 2)), KINDS[kind].reach_km)
    best = int(expected(cells, kind, 7, from_m).argmax())
    for excluded in ((), (best,)):
        drawn = trips.draw(rng, np.full((DRAWS, len(excluded)), best))
        p = expected(cells, kind, 7, from_m, excluded)
        counts = np.bincount(drawn, minlength=500)
        assert (counts[p == 0] == 0).all()
        often = p * DRAWS >= 5
        rest = [counts[~often].sum()], [p[~often].sum() * DRAWS]
        observed, promised = (
            np.concatenate(both) for both in zip((counts[often], p[often] * DRAWS), rest, strict=True)
        )
        kept = promised > 0
        assert chisquare(observed[kept], promised[kept]).pvalue > 1e-4


def test_distances_to_cells_are_lower_bounds(cells):
    points = np.random.default_rng(2).normal(0, 1500, (20, 1, 2))
    least = cells.least_km(points)[:, 0]
    for kind in range(len(KINDS)):
        for cell in range(least.shape[1]):
            inside = cells.rows[cells.first[kind, cell] : cells.end[kind, cell]]
            assert (cells.places.kind[inside] == kind).all()
            assert (cells.city.distance_km(points[:, 0], cells.places.xy_m[inside]) >= least[:, [cell]] - 1e-9).all()
    assert (cells.end - cells.first).sum() == 500


def test_favorites_are_as_near_as_those_of_weighing_every_place(cells):
    """Both ways draw without replacement by the same weights: mean appeal and distance agree within the noise."""
    rng, plain = np.random.default_rng(3), PlaceByPlace(cells.city, cells.places)
    home = rng.normal(0, 800, (1500, 2))
    work = plain.workplaces(home, rng)
    told = []
    for way in (cells, plain):
        found = way.favorites(home, work, cells.liking, rng)
        assert (found[:, OFFICE, 0] == work).all()
        assert (found[:, OFFICE, 1:] == -1).all()
        several = np.flatnonzero(np.bincount(cells.places.kind) >= FAVORITES)
        several = several[several != OFFICE]
        assert (np.diff(np.sort(found[:, several], axis=2), axis=2) > 0).all()
        km = cells.km(home[:, None, None], found[:, several])
        assert (cells.places.kind[found[:, several]] == several[:, None]).all()
        told.append(
            np.concatenate([km.mean(axis=1), np.log(cells.places.appeal[found[:, several]]).mean(axis=1)], axis=1)
        )
    away = told[0].mean(axis=0) - told[1].mean(axis=0)
    noise = np.sqrt(sum(one.var(axis=0) for one in told) / len(home))
    assert (np.abs(away) < 4.5 * noise).all()


def test_workplaces_are_offices_at_a_distance_of_the_commute(cells):
    rng, home = np.random.default_rng(4), np.zeros((3000, 2))
    work = cells.workplaces(home, rng)
    offices = np.flatnonzero(cells.places.kind == OFFICE)
    weight = cells.places.appeal[offices] * np.exp(
        -cells.city.distance_km(home[:1], cells.places.xy_m[offices])[0] / 3.0
    )
    counts = np.bincount(work, minlength=500)
    assert counts[offices].sum() == 3000
    assert chisquare(counts[offices], weight / weight.sum() * 3000).pvalue > 1e-4


def test_likings_by_hash_are_repeatable_and_spread_like_the_distribution():
    liking = HashedLikings(np.random.default_rng(0))
    user, chain = np.arange(300)[:, None], np.arange(200)[None]
    table = liking.of(user, chain)
    np.testing.assert_array_equal(table[[5], [7]], liking.of(np.array([5]), np.array([7])))
    np.testing.assert_array_equal(liking.of(np.arange(4), np.full(4, -1)), 1.0)
    drawn = np.random.default_rng(1).gamma(1.2, 1 / 1.2, table.shape) + 0.05
    np.testing.assert_allclose(np.quantile(table, [0.1, 0.5, 0.9]), np.quantile(drawn, [0.1, 0.5, 0.9]), rtol=0.08)
    assert abs(np.corrcoef(table[:-1].ravel(), table[1:].ravel())[0, 1]) < 0.02
    assert abs(np.corrcoef(table[:, :-1].ravel(), table[:, 1:].ravel())[0, 1]) < 0.02
    assert table.max() <= liking.most
