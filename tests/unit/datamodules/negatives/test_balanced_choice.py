"""Bins, the largest of each row, and weights that bring a choice to a target."""

import numpy as np
import pytest

from lgsid.datamodules.negatives.balanced_choice import Bins, corrected, taken


def test_bins_hold_equal_shares_and_a_frequent_value_has_its_own():
    rng = np.random.default_rng(0)
    values = rng.normal(size=4000)
    bins = Bins.of(values, 8)
    assert bins.share == pytest.approx(np.full(8, 1 / 8), abs=0.002)
    values[:1500] = 0.0
    bins = Bins.of(values, 8)
    own = bins.number(np.zeros(1))[0]
    assert bins.share[own] == pytest.approx(1500 / 4000)
    assert (values[bins.number(values) == own] == 0).all()
    for part in range(len(bins.share)):
        assert (bins.number(values) == part).mean() == pytest.approx(bins.share[part])


def test_no_values_are_one_bin():
    bins = Bins.of(np.empty(0), 8)
    assert bins.share.tolist() == [1.0]
    assert bins.number(np.array([[1.0, np.nan]])).tolist() == [[0, 0]]


def test_the_largest_are_taken_once():
    key = np.random.default_rng(1).normal(size=(30, 9))
    expected = np.argsort(-key, axis=1)[:, :3]
    assert taken(key, 3).tolist() == expected.tolist()
    assert (np.take_along_axis(key, expected, axis=1) == -np.inf).all()
    assert np.isfinite(key).sum() == 30 * 6
    assert taken(key, 0).shape == (30, 0)


def test_weights_converge_to_the_target():
    """One draw of each row of candidates whose bins are far from the target."""
    rng = np.random.default_rng(2)
    target = Bins(np.array([1.0, 2.0, 3.0]), np.array([0.1, 0.2, 0.3, 0.4]))
    number = rng.choice(4, p=[0.6, 0.2, 0.15, 0.05], size=(6000, 30))
    noise, weight = rng.gumbel(size=number.shape), np.zeros(4)
    for _ in range(40):
        chosen = np.take_along_axis(number, taken(weight[number] + noise, 1), axis=1)
        weight = corrected(weight, target, chosen)
    fresh = np.take_along_axis(number, taken(weight[number] + rng.gumbel(size=number.shape), 1), axis=1)
    assert np.bincount(fresh[:, 0]) / 6000 == pytest.approx(target.share, abs=0.02)
