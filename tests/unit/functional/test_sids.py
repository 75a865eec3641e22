"""Groups and information of labels against libraries and loops."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import normalized_mutual_info_score
from sklearn.metrics.cluster import contingency_matrix, expected_mutual_information

from lgsid.functional.distances import haversine_m
from lgsid.functional.sids import (
    branch_separation,
    distinct_share,
    entropy_bits,
    expected_mutual_information_bits,
    group_rows,
    normalized_mutual_information,
    within_group_km,
    within_group_pairs,
)


@settings(deadline=None, max_examples=50)
@given(
    n=st.integers(1, 40),
    highs=st.lists(st.sampled_from([1, 2, 5, 1000, 2**40, 2**62]), min_size=1, max_size=4),
    seed=st.integers(0, 99),
)
def test_rows_are_numbered_in_their_order(n, highs, seed):
    generator = torch.Generator().manual_seed(seed)
    codes = torch.stack([torch.randint(-1, high, (n,), generator=generator) for high in highs], dim=1)
    codes = torch.cat([codes, codes[: n // 2]])
    assert group_rows(codes).tolist() == torch.unique(codes, dim=0, return_inverse=True)[1].tolist()


def test_no_rows_have_no_groups():
    assert group_rows(torch.zeros(0, 3, dtype=torch.int64)).tolist() == []


@settings(deadline=None, max_examples=50)
@given(
    st.integers(1, 60).flatmap(
        lambda n: st.tuples(*(st.lists(st.integers(0, 6), min_size=n, max_size=n) for _ in range(2)))
    )
)
def test_mutual_information_is_that_of_a_library(labelings):
    own, other = labelings
    found = normalized_mutual_information(torch.tensor(own), torch.tensor(other))
    assert found == pytest.approx(normalized_mutual_info_score(own, other), abs=1e-12)


def test_labelings_that_say_the_same_share_everything():
    labels = torch.arange(12) % 4
    assert normalized_mutual_information(labels, 3 - labels) == pytest.approx(1.0)
    assert normalized_mutual_information(torch.zeros(5, dtype=torch.int64), torch.ones(5, dtype=torch.int64)) == 1.0


GROUPS = torch.tensor([0, 2, 0, 1, 2, 0, 4, 0, 2])


def test_pairs_within_groups_are_those_of_a_loop():
    expected = {(i, j) for i in range(9) for j in range(i + 1, 9) if GROUPS[i] == GROUPS[j]}
    assert len(expected) == 9
    for most in (9, 10, 1000):
        first, second = within_group_pairs(GROUPS, most)
        assert len(first) == 9
        assert set(zip(first.tolist(), second.tolist(), strict=True)) == expected
    nobody = within_group_pairs(torch.arange(5), 10)
    assert [part.tolist() for part in nobody] == [[], []]


def test_a_sample_of_pairs_is_even_and_follows_its_seed():
    first, second = within_group_pairs(GROUPS, 8, seed=1)
    assert len(first) == len(second) == 8
    assert (GROUPS[first] == GROUPS[second]).all()
    assert (first < second).all()
    assert torch.equal(first, within_group_pairs(GROUPS, 8, seed=1)[0])
    drawn = [tuple(within_group_pairs(GROUPS, 8, seed=seed)[0].tolist()) for seed in range(20)]
    assert len(set(drawn)) > 10
    many = torch.arange(30) % 3  # 135 pairs
    counts = torch.zeros(30, 30)
    for seed in range(200):
        counts.index_put_(within_group_pairs(many, 100, seed=seed), torch.ones(100), accumulate=True)
    drawn_pairs = counts[counts > 0]
    assert len(drawn_pairs) == 135
    assert drawn_pairs.sum() == 20_000
    assert (drawn_pairs / 148.1 - 1).abs().max() < 0.45  # five standard errors of a Poisson count


def test_kilometers_within_groups_are_those_of_the_pairs():
    lat, lon = torch.linspace(40, 41, 9).double(), torch.linspace(-74, -72, 9).double()
    assert len(within_group_km(lat, lon, GROUPS)) == 9
    for arguments in ({}, {"max_pairs": 5}, {"max_pairs": 5, "seed": 3}):
        first, second = within_group_pairs(GROUPS, arguments.get("max_pairs", 99), arguments.get("seed", 0))
        expected = haversine_m(lat[first], lon[first], lat[second], lon[second]) / 1000
        assert torch.equal(within_group_km(lat, lon, GROUPS, **arguments), expected)


def test_entropy_and_distinct_rows_by_hand():
    assert entropy_bits(torch.tensor([3, 3, 3])) == 0.0
    assert math.copysign(1, entropy_bits(torch.tensor([3]))) == 1  # not minus zero
    assert entropy_bits(torch.tensor([0, 1, 5, 9])) == 2.0
    assert entropy_bits(torch.tensor([0, 0, 0, 7])) == pytest.approx(2 - 0.75 * math.log2(3))
    assert distinct_share(torch.tensor([[0, 1], [0, 1], [1, 0], [2, 2]])) == 0.75


def test_branches_of_one_name_are_told_apart():
    names = torch.tensor([5, 5, 5, 8, 8, -1, -1, 3])
    codes = torch.tensor([[0, 0], [0, 0], [0, 1], [1, 1], [2, 1], [4, 4], [4, 4], [1, 1]])
    found = branch_separation(codes, names)
    assert found == {"pairs": pytest.approx(3 / 4), "branches": pytest.approx(3 / 5), "groups": pytest.approx(1 / 2)}
    assert branch_separation(codes[:, :0], names) == {"pairs": 0.0, "branches": 0.0, "groups": 0.0}
    assert branch_separation(codes, torch.arange(8)) == {}
    assert branch_separation(codes, torch.full((8,), -1)) == {}


@pytest.mark.parametrize(("n", "n_groups", "n_labels"), [(200, 17, 4), (5_000, 900, 12), (30, 30, 2), (10, 1, 3)])
def test_expected_mutual_information_against_another_implementation(n, n_groups, n_labels):
    rng = np.random.default_rng(n)
    groups, labels = rng.integers(n_groups, size=n), rng.integers(n_labels, size=n)
    expected = expected_mutual_information(contingency_matrix(groups, labels, sparse=True), n) / math.log(2)
    sizes, others = (np.unique(each, return_counts=True)[1] for each in (groups, labels))
    assert expected_mutual_information_bits(sizes, others) == pytest.approx(expected, abs=1e-9)
    distinct, counts = np.unique(sizes, return_counts=True)
    assert expected_mutual_information_bits(distinct, others, counts) == pytest.approx(expected, abs=1e-9)


def test_expected_mutual_information_is_the_mean_over_permutations():
    rng = np.random.default_rng(0)
    groups, labels = rng.integers(8, size=60), rng.integers(3, size=60)

    def bits(order):
        joint = np.unique(np.stack([groups, labels[order]]), axis=1, return_counts=True)[1]
        own, other = (np.unique(each, return_counts=True)[1] for each in (groups, labels))
        h = [float(-(c / 60 * np.log2(c / 60)).sum()) for c in (own, other, joint)]
        return h[0] + h[1] - h[2]

    found = [bits(rng.permutation(60)) for _ in range(2_000)]
    sizes, others = (np.unique(each, return_counts=True)[1] for each in (groups, labels))
    margin = 4 * np.std(found) / len(found) ** 0.5
    assert expected_mutual_information_bits(sizes, others) == pytest.approx(np.mean(found), abs=margin)
