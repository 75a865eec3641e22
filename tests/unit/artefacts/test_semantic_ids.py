"""Semantic IDs as arrays and as files, against plain loops."""

import json
import math
from itertools import combinations

import numpy as np
import pytest
import torch

from lgsid.artefacts import Items, SemanticIDs
from lgsid.errors import LgsidError
from lgsid.functional.distances import haversine_m
from lgsid.functional.sids import (
    branch_separation,
    collision_rate,
    distinct_share,
    entropy_bits,
    group_rows,
    largest_bucket,
    pack_codes,
    unpack_codes,
    within_group_km,
    within_group_pairs,
)


def random_codes(n=60, sizes=(4, 3, 2), seed=0):
    rng = np.random.default_rng(seed)
    return torch.from_numpy(np.stack([rng.integers(size, size=n) for size in sizes], axis=1))


def ids(n):
    return np.array([f"p{row}" for row in range(n)], dtype=object)


def table(n=3):
    import pandas as pd

    columns = ("name", "category", "category_group", "brand")
    frame = pd.DataFrame({"item_id": ids(n), "lat": 40.0 + np.arange(n) / 10, "lon": -74.0})
    return Items.from_frame(frame.assign(**dict.fromkeys(columns, "")))


def test_packing_sorts_as_the_rows_and_comes_back():
    codes = random_codes()
    packed = pack_codes(codes, (4, 3, 2))
    assert packed.tolist() == [(a * 3 + b) * 2 + c for a, b, c in codes.tolist()]
    assert torch.equal(unpack_codes(packed, (4, 3, 2)), codes)
    with pytest.raises(ValueError, match="too many"):
        pack_codes(codes, (2**40, 2**20, 2**10))


def test_collisions_against_a_loop():
    codes = random_codes()
    rows = [tuple(row) for row in codes.tolist()]
    assert collision_rate(codes) == pytest.approx(sum(rows.count(row) > 1 for row in rows) / len(rows))
    assert distinct_share(codes) == pytest.approx(len(set(rows)) / len(rows))
    assert largest_bucket(codes) == max(rows.count(row) for row in rows)


def test_entropy_against_the_formula():
    labels = torch.tensor([0, 0, 0, 2, 2, 5])
    assert entropy_bits(labels) == pytest.approx(-sum(p * math.log2(p) for p in (3 / 6, 2 / 6, 1 / 6)))
    assert entropy_bits(torch.zeros(4, dtype=torch.int64)) == 0.0


def test_pairs_are_all_pairs_or_an_even_sample():
    groups = random_codes(40, (5,))[:, 0]
    first, second = within_group_pairs(groups, 10_000)
    found = {frozenset(pair) for pair in zip(first.tolist(), second.tolist(), strict=True)}
    assert found == {frozenset(p) for p in combinations(range(40), 2) if groups[p[0]] == groups[p[1]]}
    assert len(first) == len(found)
    first, second = within_group_pairs(groups, 50, seed=3)
    assert len(first) == 50
    assert torch.equal(groups[first], groups[second])
    assert not (first == second).any()
    assert within_group_pairs(torch.arange(5), 10)[0].numel() == 0


def test_km_within_groups():
    lat, lon = torch.tensor([40.0, 40.1, 50.0], dtype=torch.float64), torch.zeros(3, dtype=torch.float64)
    km = within_group_km(lat, lon, torch.tensor([0, 0, 1]))
    torch.testing.assert_close(km, haversine_m(lat[:1], lon[:1], lat[1:2], lon[1:2]) / 1000)


def test_branch_separation_against_a_loop():
    codes, names = random_codes(50, (3, 2), 1), random_codes(50, (9,), 2)[:, 0] - 1
    rows = [tuple(row) for row in codes.tolist()]
    groups = [[i for i in range(50) if names[i] == name] for name in range(8)]
    groups = [group for group in groups if len(group) > 1]
    pairs = [rows[i] != rows[j] for group in groups for i, j in combinations(group, 2)]
    alone = [all(rows[i] != rows[j] for j in group if j != i) for group in groups for i in group]
    whole = [len({rows[i] for i in group}) == len(group) for group in groups]
    found = branch_separation(codes, names)
    assert found["pairs"] == pytest.approx(np.mean(pairs))
    assert found["branches"] == pytest.approx(np.mean(alone))
    assert found["groups"] == pytest.approx(np.mean(whole))
    assert branch_separation(codes, torch.full((50,), -1)) == {}


def test_groups_of_no_levels_are_one_group():
    assert group_rows(torch.zeros(4, 0, dtype=torch.int64)).tolist() == [0, 0, 0, 0]


def test_parquet_round_trip(tmp_path):
    sids = SemanticIDs(ids(60), random_codes().numpy(), (4, 3, 9), {"tokenizer": "x"})
    sids.write(tmp_path / "sids.parquet")
    back = SemanticIDs.read(tmp_path / "sids.parquet")
    assert list(back.item_ids) == list(sids.item_ids)
    assert np.array_equal(back.codes, sids.codes)
    assert back.codebook_sizes == (4, 3, 9)
    assert back.metadata == {"tokenizer": "x"}


def test_index_has_the_form_that_lc_rec_reads(tmp_path):
    path = tmp_path / "sids.index.json"
    SemanticIDs(ids(2), np.array([[12, 3], [0, 1]]), (20, 4)).write_index_json(path)
    assert json.loads(path.read_text()) == {"p0": ["<a_12>", "<b_3>"], "p1": ["<a_0>", "<b_1>"]}
    assert np.array_equal(SemanticIDs.read_index_json(path).codes, [[12, 3], [0, 1]])


@pytest.mark.parametrize(
    ("index", "codes"),
    [
        ({"0": ["<a_1>", "<b_2>"], "2": ["<a_0>", "<b_0>"]}, [[1, 2], [0, 0]]),  # keyed by row
        ({"p0": "<a_1><b_2>", "p2": "<a_0><b_0>"}, [[1, 2], [0, 0]]),  # glued tokens
        ({"p0": ["<|sid_0_7|>"], "p2": ["<|sid_0_1|>"]}, [[7], [1]]),  # other markers
        ({"p0": ["<a_1>"], "p2": ["<a_1>", "<b_0>"]}, [[1, 0], [1, 1]]),  # a suffix for colliding items only
    ],
)
def test_indexes_of_others_are_read(tmp_path, index, codes):
    path = tmp_path / "x.index.json"
    path.write_text(json.dumps(index))
    sids = SemanticIDs.read(path, table())
    assert sids.codes.tolist() == codes
    assert list(sids.item_ids) == ["p0", "p2"]


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ({"q": ["<a_1>"]}, "neither an id nor a row"),
        ({"7": ["<a_1>"]}, "neither an id nor a row"),
        ({"p0": ["<a>"]}, "token '<a>' is no label with a code"),
        ({"p0": 3}, "expected a list of tokens"),
        ({}, "not an index"),
        ([1], "not an index"),
    ],
)
def test_broken_indexes_are_one_clear_line(tmp_path, index, message):
    path = tmp_path / "x.index.json"
    path.write_text(json.dumps(index))
    with pytest.raises(LgsidError, match=message):
        SemanticIDs.read_index_json(path, table())


def test_wrong_codes_are_refused():
    with pytest.raises(LgsidError, match=r"item 'p1' has code 4 at level 2, which has codes 0..3"):
        SemanticIDs(ids(2), np.array([[0, 0], [0, 4]]), (2, 4))
    with pytest.raises(LgsidError, match="more than once"):
        SemanticIDs(np.array(["a", "a"], dtype=object), np.zeros((2, 1), dtype=np.int64), (2,))
    with pytest.raises(LgsidError, match="do not fit"):
        SemanticIDs(ids(2), np.zeros((2, 2), dtype=np.int64), (2,))


def test_items_without_a_semantic_id_are_named():
    sids = SemanticIDs(ids(2)[::-1].copy(), np.array([[0], [1]]), (2,))
    assert sids.for_items(table(2)).tolist() == [[1], [0]]
    with pytest.raises(LgsidError, match="none for 1 of 3 items, first 'p2'"):
        sids.for_items(table(3))
