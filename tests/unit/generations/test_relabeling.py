"""Labels for new codes, against all there are."""

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lgsid.errors import LgsidError
from lgsid.generations import AsTheyAre, ByLevel, ByPrefix, Churn, Relabeling
from lgsid.generations.prefixes import first_change, number_prefixes

SIZES = (3, 2)
CODES = st.integers(1, 10).flatmap(
    lambda n: st.tuples(*[st.lists(st.tuples(*(st.integers(0, k - 1) for k in SIZES)), min_size=n, max_size=n)] * 2)
)
EVERY = np.stack(np.unravel_index(np.arange(np.prod(SIZES)), SIZES), 1).astype(np.int64)


def arrays(codes):
    return tuple(np.array(rows, dtype=np.int64) for rows in codes)


def kept(old, new):
    """How many places keep their first 1, 2, ... codes."""
    return [int((old[:, :depth] == new[:, :depth]).all(1).sum()) for depth in range(1, old.shape[1] + 1)]


@settings(max_examples=100, deadline=None)
@given(CODES, st.sampled_from([ByPrefix(), ByLevel(), AsTheyAre()]))
def test_labels_are_a_bijection_of_the_tree(codes, relabeler):
    old, new = arrays(codes)
    found = relabeler.relabeling(old, new, SIZES)
    labels = found.labels(EVERY)
    assert len(np.unique(labels, axis=0)) == len(EVERY)
    assert ((labels >= 0) & (labels < SIZES)).all()
    assert np.array_equal(found.codes(labels), EVERY)
    assert np.array_equal(found.labels(found.codes(EVERY)), EVERY)
    assert np.array_equal(
        number_prefixes(labels[:, :1])[:, None] == number_prefixes(labels[:, :1]),
        number_prefixes(EVERY[:, :1])[:, None] == number_prefixes(EVERY[:, :1]),
    )


@settings(max_examples=60, deadline=None)
@given(CODES)
def test_by_prefix_keeps_as_many_as_any_labels_at_the_first_level_and_then_below_them(codes):
    old, new = arrays(codes)
    labels = ByPrefix().relabeling(old, new, SIZES).labels(new)
    first, whole = kept(old, labels)
    assert first == max(sum(p[b] == a for (a, _), (b, _) in zip(old, new, strict=True)) for p in permutations(range(3)))
    best = 0
    for below in product(permutations(range(2)), repeat=3):  # a permutation below each new first code
        second = np.array([below[row[0]][row[1]] for row in new])
        best = max(best, int(((labels[:, 0] == old[:, 0]) & (second == old[:, 1])).sum()))
    assert whole == best


@settings(max_examples=60, deadline=None)
@given(CODES)
def test_by_level_keeps_as_many_as_any_labels_of_the_level(codes):
    old, new = arrays(codes)
    labels = ByLevel().relabeling(old, new, SIZES).labels(new)
    first, whole = kept(old, labels)
    assert first == max(sum(p[b] == a for (a, _), (b, _) in zip(old, new, strict=True)) for p in permutations(range(3)))
    same = labels[:, 0] == old[:, 0]
    counted = [(int((same & (np.array(p)[new[:, 1]] == old[:, 1])).sum()), p) for p in permutations(range(2))]
    assert whole == max(count for count, _ in counted)
    assert len(np.unique(np.stack([new[:, 1], labels[:, 1]], 1), axis=0)) == len(np.unique(new[:, 1]))


@settings(max_examples=40, deadline=None)
@given(CODES, st.permutations(range(3)), st.permutations(range(2)))
def test_codes_that_were_only_renumbered_come_back(codes, first, second):
    old = np.unique(arrays(codes)[0], axis=0)
    new = np.stack([np.array(first)[old[:, 0]], np.array(second)[old[:, 1]]], 1)
    for relabeler in (ByPrefix(), ByLevel()):
        assert np.array_equal(relabeler.relabeling(old, new, SIZES).labels(new), old)


def test_greedy_from_the_first_level_down_need_not_keep_most_whole_semantic_ids():
    """Code 0 shares two places with old code 0, none whole after the level below; another label would keep one more."""
    old = np.array([[0, 0], [0, 0], [0, 0], [1, 0], [1, 1]])
    new = np.array([[0, 0], [0, 1], [0, 2], [0, 0], [0, 1]])
    labels = ByPrefix().relabeling(old, new, (2, 3)).labels(new)
    assert kept(old, labels) == [3, 1]
    swapped = np.stack([1 - new[:, 0], new[:, 1]], 1)
    assert kept(old, swapped) == [2, 2]


def test_an_old_code_that_the_new_codebook_does_not_have_is_nobodys_label():
    old, new = np.array([[7, 0], [7, 1], [1, 0]]), np.array([[0, 0], [0, 1], [1, 0]])
    labels = ByPrefix().relabeling(old, new, (2, 2)).labels(new)
    assert (labels < 2).all()
    assert labels[2].tolist() == [1, 0]


@pytest.mark.parametrize("relabeler", [ByPrefix(), ByLevel()])
def test_a_relabeling_is_kept_in_a_file(tmp_path, relabeler):
    rng = np.random.default_rng(0)
    old, new = (
        np.stack([rng.integers(5, size=60), rng.integers(4, size=60), rng.integers(6, size=60)], 1) for _ in "ab"
    )
    found = relabeler.relabeling(old, new, (5, 4, 6))
    found.write(tmp_path / "relabeling.parquet")
    again = Relabeling.read(tmp_path / "relabeling.parquet")
    every = np.stack(np.unravel_index(np.arange(120), (5, 4, 6)), 1)
    assert not found.is_plain()
    assert np.array_equal(again.labels(every), found.labels(every))
    (tmp_path / "relabeling.parquet").write_bytes(b"no")
    with pytest.raises(LgsidError, match="not a readable Parquet file"):
        Relabeling.read(tmp_path / "relabeling.parquet")


@settings(max_examples=40, deadline=None)
@given(CODES)
def test_churn_counts_changed_places_level_by_level(codes):
    old, new = arrays(codes)
    found = Churn.between(old, new)
    rows = list(zip(old.tolist(), new.tolist(), strict=True))
    for level in range(2):
        assert found.code[level] == sum(a[level] != b[level] for a, b in rows) / len(rows)
        assert found.prefix[level] == sum(a[: level + 1] != b[: level + 1] for a, b in rows) / len(rows)
    first = [next((level for level in range(2) if a[level] != b[level]), -1) for a, b in rows]
    assert first_change(old, new).tolist() == first
