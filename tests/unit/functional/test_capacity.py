"""Capacity-constrained assignment against scipy's optimum."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from lgsid.functional import capacity
from lgsid.functional.capacity import TIE_BREAK, TOLERANCE, auction, place_at_least_cost


def distances(n, n_columns, seed, copies=1):
    """Squared distances of points to columns in 32 dimensions; each point `copies` times."""
    rng = np.random.default_rng(seed)
    points, marks = rng.normal(size=(n // copies + 1, 32)).repeat(copies, 0)[:n], rng.normal(size=(n_columns, 32))
    return np.square(points[:, None] - marks).sum(-1)


def optimum(cost, room):
    slots = np.repeat(np.arange(len(room)), np.minimum(room, len(cost)))
    rows, chosen = linear_sum_assignment(cost[:, slots])
    return cost[rows, slots[chosen]].sum()


def total(cost, placed):
    return cost[np.arange(len(cost)), placed].sum()


def fits(placed, room):
    return bool((np.bincount(placed, minlength=len(room)) <= room).all() and (placed >= 0).all())


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 30), st.integers(1, 9), st.integers(1, 4), st.integers(0, 10**6))
def test_a_small_assignment_is_the_optimum(n, n_columns, copies, seed):
    rng = np.random.default_rng(seed)
    cost, room = distances(n, n_columns, seed, copies), rng.integers(0, 9, n_columns)
    room[0] += max(0, n - room.sum())
    placed = place_at_least_cost(cost.__getitem__, n, room)
    assert fits(placed, room)
    assert total(cost, placed) <= optimum(cost, room) + n * TIE_BREAK * np.ptp(cost) + 1e-9


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("copies", [1, 8])
@pytest.mark.parametrize(
    ("n_columns", "room", "loss"), [(64, 16, 0.001), (64, 8, 0.001), (600, 1, 0.04), (500, 1, 0.04)]
)
def test_what_an_auction_loses_of_500_rows(n_columns, room, loss, copies, seed):
    cost, rooms = distances(500, n_columns, seed, copies), np.full(n_columns, room)
    placed = place_at_least_cost(cost.__getitem__, 500, rooms, max_exact=0)
    assert fits(placed, rooms)
    assert optimum(cost, rooms) - 1e-6 <= total(cost, placed) <= (1 + loss) * optimum(cost, rooms)


def test_an_auction_that_never_hurries_keeps_its_bound(monkeypatch):
    monkeypatch.setattr(capacity, "PATIENCE", 10**9)
    cost, room = distances(300, 40, 0), np.full(40, 8)
    spread = np.sort(cost, axis=1)[:, : capacity.SHORTLIST]
    increment = TOLERANCE * (spread[:, -1] - spread[:, 1]).mean()
    assert total(cost, auction(cost.__getitem__, 300, room)) <= optimum(cost, room) + 300 * increment * 1.001


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 60), st.integers(1, 40), st.integers(1, 8), st.integers(0, 10**6))
def test_an_auction_fills_a_full_house(n, n_columns, copies, seed):
    cost, room = (
        distances(n, n_columns, seed, copies),
        np.random.default_rng(seed).multinomial(n, [1 / n_columns] * n_columns),
    )
    placed = place_at_least_cost(cost.__getitem__, n, room, max_exact=0)
    assert np.array_equal(np.bincount(placed, minlength=n_columns), room)


@pytest.mark.parametrize("max_exact", [10**9, 0])
def test_every_row_has_its_cheapest_column_where_there_is_room(max_exact):
    cost = distances(40, 24, 0)
    assert np.array_equal(place_at_least_cost(cost.__getitem__, 40, np.full(24, 40), max_exact), cost.argmin(axis=1))
    with pytest.raises(ValueError, match="40 rows do not fit into room for 24"):
        place_at_least_cost(cost.__getitem__, 40, np.ones(24, dtype=int), max_exact)


@pytest.mark.parametrize("max_exact", [10**9, 0])
def test_ties_are_settled_by_the_order_of_the_rows_also_under_rounding(max_exact):
    """Three kinds of item, eight of each: those of one kind get ascending columns, whatever the last digits are."""
    kinds, room = np.arange(24) % 3, np.ones(30, dtype=int)
    cost = distances(3, 30, 5)[kinds]
    placed = place_at_least_cost(cost.__getitem__, 24, room, max_exact)
    if max_exact:
        assert all((np.diff(placed[kinds == kind]) > 0).all() for kind in range(3))
    for seed in range(20):
        noisy = cost * (1 + 1e-12 * np.random.default_rng(seed).normal(size=cost.shape))
        assert np.array_equal(place_at_least_cost(noisy.__getitem__, 24, room, max_exact), placed)


@pytest.mark.parametrize("max_exact", [10**9, 0])
def test_no_row_goes_where_it_must_not(max_exact):
    cost = distances(60, 20, 0)
    cost[:, 3] = np.inf
    cost[:40, 10:] = np.inf
    room = np.full(20, 5)
    placed = place_at_least_cost(cost.__getitem__, 60, room, max_exact)
    assert fits(placed, room)
    assert np.isfinite(total(cost, placed))
    assert total(cost, placed) <= 1.001 * optimum(cost, room)


def test_an_auction_without_an_answer_says_so(monkeypatch):
    monkeypatch.setattr(capacity, "PATIENCE", 3)
    cost = np.full((8, 4), np.inf)
    cost[:, 0] = 1.0
    with pytest.raises(ValueError, match="infinite cost"):
        auction(cost.__getitem__, 8, np.full(4, 2))


def test_an_auction_asks_for_costs_in_chunks(monkeypatch):
    monkeypatch.setattr(capacity, "ENTRIES", 256)
    cost, asked = distances(400, 32, 0), []

    def costs(rows):
        asked.append(len(rows))
        return cost[rows]

    room = np.full(32, 13)
    placed = auction(costs, 400, room)
    assert max(asked) == 256 // 32
    assert total(cost, placed) <= 1.001 * optimum(cost, room)


def test_an_auction_grows_with_the_number_of_rows():
    """4,000 rows into 64 columns of 64 took minutes as an assignment problem."""
    cost, start = distances(4_000, 64, 0, copies=8), time.process_time()
    placed = place_at_least_cost(cost.__getitem__, 4_000, np.full(64, 64))
    assert fits(placed, np.full(64, 64))
    assert time.process_time() - start < 5.0
