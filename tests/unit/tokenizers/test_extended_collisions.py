"""New items beside semantic IDs that are taken, against brute force."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lgsid.errors import LgsidError
from lgsid.tokenizers import CounterSuffix, IdentitySuffix, NearestFreeCode, NoResolution, PrefixCodes

NONE = np.zeros((0, 2), dtype=np.int64)


def on_a_line(n, sizes, seed):
    """Codes of n items and their distances: the nearest mark on a line for each level."""
    rng = np.random.default_rng(seed)
    places, marks = rng.normal(size=(n, len(sizes))), [np.sort(rng.normal(size=size)) for size in sizes]

    def distances(rows, codes, level):
        return (places[rows, level, None] - marks[level]) ** 2

    return np.stack([distances(np.arange(n), None, level).argmin(1) for level in range(len(sizes))], 1), distances


def every_code(sizes):
    return np.stack(np.unravel_index(np.arange(np.prod(sizes)), sizes), 1).astype(np.int64)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 4), st.integers(1, 3), st.integers(1, 4), st.data())
def test_new_codes_are_free_and_unique_whenever_they_fit(seed, first, second, third, data):
    sizes = (first, second, third)
    slots = every_code(sizes)
    n_taken = data.draw(st.integers(0, len(slots) - 1))
    taken = np.random.default_rng(seed).permutation(slots)[:n_taken]
    n_new = data.draw(st.integers(1, len(slots) - n_taken))
    codes, distances = on_a_line(n_new, sizes, seed)
    before = codes.copy()
    found = NearestFreeCode().extend(codes, sizes, distances, taken)
    assert np.array_equal(codes, before)
    assert len(np.unique(np.concatenate([found.codes, taken]), axis=0)) == n_new + n_taken
    assert found.codebook_sizes == sizes
    alone = (codes[:, None] == np.concatenate([codes, taken])[None]).all(2).sum(1) == 1
    crowded = {tuple(row[:-1]) for row in codes[~alone]}
    fits = [
        np.sum((codes[:, :2] == row[:2]).all(1)) + np.sum((taken[:, :2] == row[:2]).all(1)) <= third for row in codes
    ]
    stays = [tuple(row[:-1]) not in crowded and one for row, one in zip(codes, alone, strict=True)]
    if all(fits):
        assert np.array_equal(found.codes[stays], codes[stays])


@pytest.mark.parametrize("seed", range(5))
def test_the_free_codes_of_a_prefix_go_at_the_least_cost(seed):
    codes, distances = on_a_line(3, (1, 6), seed)
    codes[:, 1] = codes[0, 1]
    taken = np.array([[0, codes[0, 1]], [0, (codes[0, 1] + 2) % 6]])
    found = NearestFreeCode().extend(codes, (1, 6), distances, taken).codes
    cost, free = distances(np.arange(3), None, 1), sorted(set(range(6)) - set(taken[:, 1].tolist()))
    best = min(sum(cost[item, code] for item, code in enumerate(chosen)) for chosen in permutations(free, 3))
    assert cost[np.arange(3), found[:, 1]].sum() == pytest.approx(best)


@pytest.mark.parametrize("seed", range(5))
def test_one_item_of_a_full_prefix_spills_to_the_nearest_first_code_with_room(seed):
    codes, distances = on_a_line(1, (4, 2), seed)
    full = np.array([[codes[0, 0], 0], [codes[0, 0], 1]])
    found = NearestFreeCode().extend(codes, (4, 2), distances, full).codes[0]
    cost = distances(np.array([0]), None, 0)[0]
    cost[codes[0, 0]] = np.inf
    assert found.tolist() == [cost.argmin(), distances(np.array([0]), None, 1)[0].argmin()]


def test_one_level_gives_no_code_that_is_taken():
    taken = np.array([[0], [1], [3]])
    found = NearestFreeCode().extend(
        np.array([[0], [3]]), (6,), lambda rows, codes, level: np.arange(12.0).reshape(2, 6), taken
    )
    assert sorted(found.codes[:, 0].tolist()) == [2, 4]


def test_more_items_than_free_codes_are_refused():
    codes, distances = on_a_line(3, (2, 2), 0)
    with pytest.raises(LgsidError, match=r"5 items .* hold 4"):
        NearestFreeCode().extend(codes, (2, 2), distances, every_code((2, 2))[:2])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(0, 12))
def test_a_counter_counts_on(seed, n_new, n_taken):
    rng = np.random.default_rng(seed)
    earlier, codes = rng.integers(2, size=(n_taken, 2)), rng.integers(2, size=(n_new, 2))
    taken = CounterSuffix().extend(earlier, (2, 2), None, np.zeros((0, 3), dtype=np.int64)).codes
    found = CounterSuffix().extend(codes, (2, 2), None, taken)
    seen = [tuple(row) for row in earlier.tolist()]
    for row, got in zip(codes.tolist(), found.codes.tolist(), strict=True):
        assert got == [*row, seen.count(tuple(row))]
        seen.append(tuple(row))
    assert found.codebook_sizes == (2, 2, int(np.concatenate([found.codes, taken])[:, 2].max()) + 1)


def test_identities_number_on():
    codes = np.array([[1, 0], [1, 0]])
    taken = np.array([[0, 0, 3], [1, 1, 0]])
    found = IdentitySuffix().extend(codes, (2, 2), None, taken)
    assert found.codes.tolist() == [[1, 0, 4], [1, 0, 5]]
    assert found.codebook_sizes == (2, 2, 6)


@pytest.mark.parametrize("strategy", [NoResolution(), PrefixCodes()])
def test_a_strategy_that_cannot_do_it_says_so(strategy):
    with pytest.raises(LgsidError, match=f"{type(strategy).__name__} cannot give semantic IDs to new items"):
        strategy.extend(NONE, (2, 2), None, NONE)
