"""Collision strategies against brute force."""

from functools import partial
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lgsid.errors import LgsidError
from lgsid.functional import capacity
from lgsid.functional.capacity import place_at_least_cost
from lgsid.tokenizers import CounterSuffix, NearestFreeCode, NoResolution, nearest_free_code


class Line:
    """Items and codes on a line for each level; the distance is the squared difference."""

    def __init__(self, n, sizes, seed=0):
        rng = np.random.default_rng(seed)
        self.sizes = sizes
        self.places = rng.normal(size=(n, len(sizes)))
        self.marks = [np.sort(rng.normal(size=size)) for size in sizes]
        self.codes = np.stack([self.distances(np.arange(n), None, level).argmin(1) for level in range(len(sizes))], 1)

    def distances(self, rows, codes, level):
        return (self.places[rows, level, None] - self.marks[level]) ** 2


def unique(codes):
    return len(np.unique(codes, axis=0)) == len(codes)


def test_no_resolution_changes_nothing():
    line = Line(30, (3, 2))
    resolved = NoResolution().resolve(line.codes, line.sizes, line.distances)
    assert np.array_equal(resolved.codes, line.codes)
    assert resolved.codebook_sizes == (3, 2)


def test_counter_suffix_counts_in_order():
    codes = np.array([[1, 1], [0, 0], [1, 1], [1, 0], [1, 1]])
    resolved = CounterSuffix().resolve(codes, (2, 2), Line(5, (2, 2)).distances)
    assert resolved.codes[:, 2].tolist() == [0, 0, 1, 0, 2]
    assert resolved.codebook_sizes == (2, 2, 3)
    assert np.array_equal(resolved.codes[:, :2], codes)


@pytest.mark.parametrize("seed", range(5))
def test_reassignment_is_the_cheapest_there_is(seed):
    """One prefix, up to five items on five codes, against all assignments."""
    line = Line(4, (1, 5), seed)
    line.codes[:, 1] = line.codes[0, 1]  # a crowd
    resolved = NearestFreeCode().resolve(line.codes, line.sizes, line.distances).codes
    cost = line.distances(np.arange(4), None, 1)
    best = min(sum(cost[i, code] for i, code in enumerate(chosen)) for chosen in permutations(range(5), 4))
    assert unique(resolved)
    assert cost[np.arange(4), resolved[:, 1]].sum() == pytest.approx(best)


def test_prefixes_without_a_collision_stay():
    line = Line(60, (9, 12))
    resolved = NearestFreeCode().resolve(line.codes, line.sizes, line.distances).codes
    rows = [tuple(row) for row in line.codes.tolist()]
    crowded = {row[0] for row in rows if rows.count(row) > 1}
    calm = [row for row in range(60) if rows[row][0] not in crowded]
    assert calm
    assert np.array_equal(resolved[calm], line.codes[calm])
    assert np.array_equal(resolved[:, 0], line.codes[:, 0])


@pytest.mark.parametrize("seed", range(4))
def test_overflow_spills_as_few_as_possible_at_the_smallest_cost(seed):
    """Two levels of 3 x 2 codes, five items in one prefix, against all ways to spread them."""
    line = Line(5, (3, 2), seed)
    line.codes[:, 0] = 1
    resolved = NearestFreeCode().resolve(line.codes, line.sizes, line.distances).codes
    assert unique(resolved)
    assert (resolved[:, 0] != 1).sum() == 3
    cost = line.distances(np.arange(5), None, 0)
    fair = [c for c in product(range(3), repeat=5) if max(np.bincount(c, minlength=3)) <= 2 and c.count(1) == 2]
    best = min(sum(cost[i, code] for i, code in enumerate(c)) for c in fair)
    assert cost[np.arange(5), resolved[:, 0]].sum() == pytest.approx(best)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=4),
    st.integers(0, 10**6),
    st.floats(0.0, 1.0),
    st.booleans(),
)
def test_codes_are_unique_whenever_they_can_be(sizes, seed, fill, crowd):
    capacity = int(np.prod(sizes))
    line = Line(max(1, round(fill * capacity)), tuple(sizes), seed)
    if crowd:
        line.codes[:] = line.codes[0]
    resolved = NearestFreeCode().resolve(line.codes, line.sizes, line.distances).codes
    assert unique(resolved)
    assert (resolved >= 0).all()
    assert (resolved < np.array(sizes)).all()


def test_a_full_house_is_filled_to_the_last_code():
    line = Line(24, (4, 3, 2), 7)
    assert unique(NearestFreeCode().resolve(line.codes, line.sizes, line.distances).codes)


def test_too_many_items_are_one_clear_line():
    line = Line(7, (3, 2))
    with pytest.raises(LgsidError, match=r"7 items .* 3x2 hold 6; give a level more codes or add a level"):
        NearestFreeCode().resolve(line.codes, line.sizes, line.distances)


@pytest.mark.parametrize("strategy", [NoResolution(), CounterSuffix(), NearestFreeCode()])
def test_the_input_is_left_alone(strategy):
    line = Line(20, (3, 8))
    before = line.codes.copy()
    strategy.resolve(line.codes, line.sizes, line.distances)
    assert np.array_equal(line.codes, before)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.integers(0, 10**6), st.floats(0.0, 1.0), st.booleans())
def test_codes_of_an_auction_are_unique_whenever_they_can_be(sizes, seed, fill, crowd):
    line = Line(max(1, round(fill * np.prod(sizes))), tuple(sizes), seed)
    if crowd:
        line.codes[:] = line.codes[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nearest_free_code, "place_at_least_cost", partial(place_at_least_cost, max_exact=0))
        resolved = NearestFreeCode().resolve(line.codes, line.sizes, line.distances).codes
    assert unique(resolved)
    assert (resolved >= 0).all()
    assert (resolved < np.array(sizes)).all()


@pytest.mark.parametrize("max_exact", [10**9, 0])
def test_as_few_as_possible_leave_a_full_prefix_for_codes_with_room(max_exact, monkeypatch):
    """20 of 32 items leave the code that holds 12; those of another full code stay, where no one comes in."""
    monkeypatch.setattr(nearest_free_code, "place_at_least_cost", partial(place_at_least_cost, max_exact=max_exact))
    line = Line(52, (6, 3, 4), 3)
    line.codes[:32, 0], line.codes[32:44, 0], line.codes[44:, 0] = 2, 4, 0
    first = NearestFreeCode().resolve(line.codes, line.sizes, line.distances).codes[:, 0]
    assert (first[:32] == 2).sum() == 12
    assert np.array_equal(first[32:], line.codes[32:, 0])
    assert set(first[:32]) <= {0, 1, 2, 3, 5}
    assert np.bincount(first).max() <= 12


@pytest.mark.parametrize("max_exact", [10**9, 0])
def test_permuting_items_permutes_their_codes(max_exact, monkeypatch):
    monkeypatch.setattr(nearest_free_code, "place_at_least_cost", partial(place_at_least_cost, max_exact=max_exact))
    line, order = Line(200, (4, 8, 8), 1), np.random.default_rng(0).permutation(200)
    line.codes[:, 0] = line.codes[:, 0] // 2
    resolved = NearestFreeCode().resolve(line.codes, line.sizes, line.distances).codes
    line.places = line.places[order]
    permuted = NearestFreeCode().resolve(line.codes[order], line.sizes, line.distances).codes
    assert np.array_equal(permuted, resolved[order])


def test_a_prefix_too_large_for_one_chunk_is_resolved_like_others(monkeypatch):
    line = Line(300, (3, 12, 12), 2)
    whole = NearestFreeCode().resolve(line.codes, line.sizes, line.distances).codes
    for module in (nearest_free_code, capacity):
        monkeypatch.setattr(module, "ENTRIES", 40)
    assert np.array_equal(NearestFreeCode().resolve(line.codes, line.sizes, line.distances).codes, whole)


@pytest.mark.parametrize("shape", [(500, 3), (1, 4), (40, 0)])
def test_groups_are_numbered_in_the_order_of_their_codes(shape):
    codes = np.random.default_rng(0).integers(0, 4, shape)
    expected = {row: number for number, row in enumerate(sorted(set(map(tuple, codes.tolist()))))}
    assert nearest_free_code.number_groups(codes).tolist() == [expected[tuple(row)] for row in codes.tolist()]
