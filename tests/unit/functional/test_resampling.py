"""Bootstrap, t, Holm and weighted AUC against scipy, scikit-learn, closed forms and enumeration."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score

from lgsid.functional import resampling
from lgsid.functional.resampling import (
    auc_runs,
    bootstrap_p,
    difference,
    holm,
    interval,
    paired_t_p,
    ratio,
    t_interval,
    user_weights,
    weight_chunks,
    weighted_auc,
)


def means(values, weights):
    return weights @ values / weights.sum(1)


def test_weights_draw_as_many_users_as_there_are_with_replacement():
    weights = user_weights(9, 4000, seed=3)
    assert weights.shape == (4000, 9)
    assert (weights.sum(1) == 9).all()
    assert (weights == weights.round()).all()
    assert weights.mean() == 1
    assert weights.mean(0) == pytest.approx(np.ones(9), abs=5 * math.sqrt(8 / 9 / 4000))  # binomial(9, 1/9)
    assert weights.var(0) == pytest.approx(np.full(9, 8 / 9), abs=0.12)
    covariance = np.cov(weights.T)[~np.eye(9, dtype=bool)]
    assert covariance.mean() == pytest.approx(-1 / 9, abs=0.01)


def test_weights_follow_the_seed_and_not_the_chunk():
    whole = user_weights(30, 25, seed=1)
    assert np.array_equal(whole, user_weights(30, 25, seed=1))
    assert not np.array_equal(whole, user_weights(30, 25, seed=2))
    for chunk in (1, 7, 25, 100):
        assert np.array_equal(whole, np.concatenate(list(weight_chunks(30, 25, 1, chunk))))
    assert user_weights(4, 0, seed=1).shape == (0, 4)


def test_two_users_enumerated():
    weights = user_weights(2, 20_000, seed=0)
    outcomes = [np.bincount(pick, minlength=2) for pick in itertools.product(range(2), repeat=2)]
    for outcome, share in (((2, 0), 0.25), ((1, 1), 0.5), ((0, 2), 0.25)):
        assert sum(tuple(o) == outcome for o in outcomes) / 4 == share
        found = (weights == outcome).all(1).mean()
        assert found == pytest.approx(share, abs=5 * math.sqrt(share * (1 - share) / 20_000))
    replicates = means(np.array([0.0, 1.0]), weights)
    low, high = interval(replicates, level=0.4)  # 30 % and 70 % lie in the middle half
    assert (low, high) == (0.5, 0.5)
    assert interval(replicates) == (0.0, 1.0)
    p = bootstrap_p(means(np.array([-1.0, 3.0]), weights))  # -1, 1, 1, 3: a quarter is not above 0
    assert p == pytest.approx(0.5, abs=0.03)


def test_interval_has_the_standard_error_of_a_mean():
    values = np.random.default_rng(5).normal(size=500)
    low, high = interval(means(values, user_weights(500, 4000, seed=0)))
    error = values.std() / math.sqrt(500)
    assert (high - low) / 2 == pytest.approx(1.96 * error, rel=0.08)
    assert (high + low) / 2 == pytest.approx(values.mean(), abs=0.2 * error)


def test_interval_agrees_with_scipy():
    g = np.random.default_rng(6)
    a, b = g.gamma(2.0, size=200), g.gamma(2.0, size=200)
    weights = user_weights(200, 4000, seed=0)
    plain = stats.bootstrap(
        (a,), np.mean, n_resamples=4000, method="percentile", random_state=np.random.default_rng(1)
    ).confidence_interval
    assert interval(means(a, weights)) == pytest.approx((plain.low, plain.high), abs=0.03)
    pairs = stats.bootstrap(
        (a, b),
        lambda x, y, axis: (x - y).mean(axis),
        paired=True,
        n_resamples=4000,
        method="percentile",
        random_state=np.random.default_rng(1),
    ).confidence_interval
    found = interval(means(a, weights) - means(b, weights))
    assert found == pytest.approx((pairs.low, pairs.high), abs=0.04)


@pytest.mark.parametrize("level", [0.5, 0.95, 0.99])
def test_interval_is_the_quantiles_of_what_has_a_value(level):
    g = np.random.default_rng(7)
    replicates = g.normal(size=(101, 3, 2))
    replicates[g.random(replicates.shape) < 0.2] = np.nan
    replicates[:, 2, 1] = np.nan
    replicates[1:, 2, 0] = np.nan
    low, high = interval(replicates, level)
    known = [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0)]
    for at in known:
        kept = replicates[(slice(None), *at)]
        kept = kept[~np.isnan(kept)]
        assert low[at] == pytest.approx(np.quantile(kept, (1 - level) / 2), abs=1e-12)
        assert high[at] == pytest.approx(np.quantile(kept, (1 + level) / 2), abs=1e-12)
    assert np.isnan([low[2, 1], high[2, 1]]).all()


def test_interval_covers_the_truth():
    g = np.random.default_rng(8)
    weights = user_weights(80, 500, seed=0)
    covered = 0
    for _ in range(400):
        values = g.exponential(size=80)
        low, high = interval(means(values, weights))
        covered += low <= 1.0 <= high
    # Percentile intervals of skewed means are a little short: 93 % here; 5 standard errors of a share are 6 points.
    assert 0.87 <= covered / 400 <= 0.99


def test_p_by_counting():
    assert bootstrap_p(np.array([1.0, 2, 3, -1])) == pytest.approx(2 * 2 / 5)
    assert bootstrap_p(np.arange(1.0, 100)) == pytest.approx(2 * 1 / 100)
    assert bootstrap_p(-np.arange(1.0, 100)) == pytest.approx(2 * 1 / 100)
    assert bootstrap_p(np.zeros(10)) == 1
    assert bootstrap_p(np.array([0.0, 0, 1])) == 1  # min(2, 3) + 1 of 4, twice, is above 1
    table = np.array([[1.0, np.nan, np.nan], [2, 1, np.nan], [3, 2, np.nan]])
    assert bootstrap_p(table) == pytest.approx([0.5, 2 / 3, np.nan], nan_ok=True)


def test_p_is_uniform_without_a_difference():
    g = np.random.default_rng(9)
    weights = user_weights(60, 400, seed=0)
    p = bootstrap_p(weights @ g.normal(size=(60, 1000)) / 60)
    assert (p < 0.05).mean() == pytest.approx(0.05, abs=0.035)
    assert (p < 0.5).mean() == pytest.approx(0.5, abs=0.08)


def test_holm_by_hand():
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([0.02, 0.02, 0.9])) == pytest.approx([0.06, 0.06, 0.9])
    assert holm(np.array([np.nan, 0.02, np.nan, 0.03])) == pytest.approx([np.nan, 0.04, np.nan, 0.04], nan_ok=True)
    assert holm(np.array([0.6, 0.7])) == pytest.approx([1, 1])
    assert np.isnan(holm(np.full(3, np.nan))).all()
    assert holm(np.empty(0)).shape == (0,)
    rows = np.array([[0.01, 0.04], [np.nan, 0.04]])
    assert holm(rows) == pytest.approx(np.array([[0.02, 0.04], [np.nan, 0.04]]), nan_ok=True)


def holm_loop(p):
    known = sorted((value, i) for i, value in enumerate(p) if not math.isnan(value))
    adjusted, largest = [math.nan] * len(p), 0.0
    for step, (value, i) in enumerate(known):
        largest = max(largest, min(1.0, value * (len(known) - step)))
        adjusted[i] = largest
    return adjusted


@settings(derandomize=True, deadline=None)
@given(st.lists(st.one_of(st.sampled_from([0.0, 0.01, 0.5, 1.0, math.nan]), st.floats(0, 1)), min_size=1, max_size=8))
def test_holm_properties(values):
    p = np.array(values)
    adjusted = holm(p)
    assert adjusted == pytest.approx(holm_loop(values), nan_ok=True)
    known = ~np.isnan(p)
    assert np.array_equal(np.isnan(adjusted), ~known)
    assert (adjusted[known] >= p[known]).all()
    assert (adjusted[known] <= 1).all()
    for i, j in itertools.permutations(np.flatnonzero(known), 2):
        assert p[i] > p[j] or adjusted[i] <= adjusted[j]
    order = np.random.default_rng(len(values)).permutation(len(p))
    assert np.array_equal(holm(p[order]), adjusted[order], equal_nan=True)


def test_t_agrees_with_scipy():
    g = np.random.default_rng(10)
    a, b = g.normal(size=(5, 3, 2)), g.normal(size=(5, 3, 2)) + 0.4
    mean, low, high = t_interval(a, 0.9)
    expected = stats.t.interval(0.9, 4, loc=a.mean(0), scale=stats.sem(a))
    assert mean == pytest.approx(a.mean(0))
    assert np.array([low, high]) == pytest.approx(np.array(expected))
    assert paired_t_p(b - a) == pytest.approx(stats.ttest_rel(b, a).pvalue)
    two = np.array([[1.0], [2.0]])
    assert np.array(t_interval(two)[1:]) == pytest.approx(np.array(stats.t.interval(0.95, 1, loc=[1.5], scale=[0.5])))
    assert paired_t_p(two) == pytest.approx(stats.ttest_1samp(two, 0).pvalue)


@pytest.mark.filterwarnings("error")
def test_t_without_a_spread():
    mean, low, high = t_interval(np.full((3, 1), 0.1))
    assert low == pytest.approx(mean)
    assert high == pytest.approx(mean)
    p = paired_t_p(np.array([[0.0, 0.1, 0.1 + 1e-17, 1], [0.0, 0.1, 0.1, 2]]))
    assert p[0] == 1
    assert np.isnan(p[1:3]).all()
    assert 0 < p[3] < 1
    one = t_interval(np.array([[0.3, 0.0]]))
    assert one[0] == pytest.approx([0.3, 0.0])
    assert np.isnan(one[1:]).all()
    assert np.isnan(paired_t_p(np.array([[0.3, 0.0]]))).all()


@pytest.mark.filterwarnings("error")
def test_difference_and_ratio():
    third = 0.1 + 0.1 + 0.1
    assert difference(np.array([third / 3, 1.0, np.nan]), np.array([0.1, 0.5, 1.0])) == pytest.approx(
        [0.0, 0.5, np.nan], nan_ok=True, abs=0
    )
    assert difference(np.array([1e-9]), np.array([0.0])) == 1e-9
    assert ratio(np.array([1.0, 0.0, 3.0]), np.array([2.0, 0.0, 0.0])) == pytest.approx(
        [0.5, np.nan, np.nan], nan_ok=True
    )


def auc_cases(seed, n=60, replicates=25, distinct=9):
    g = np.random.default_rng(seed)
    labels = (g.random(n) < 0.35).astype(float)
    scores = (g.integers(-distinct, distinct, n) + labels) * 1e6  # tied within classes and across
    return scores, labels, g.integers(0, 4, (replicates, n)).astype(float)


@pytest.mark.parametrize("distinct", [1, 3, 200])
def test_weighted_auc_agrees_with_scikit_learn(distinct):
    scores, labels, weights = auc_cases(distinct, distinct=distinct)
    expected = [roc_auc_score(labels, scores, sample_weight=row) for row in weights]
    assert weighted_auc(scores, labels, weights) == pytest.approx(expected, abs=1e-12)


def test_weighted_auc_is_the_auc_of_repeated_samples_and_does_not_depend_on_order_or_blocks(monkeypatch):
    scores, labels, weights = auc_cases(4)
    whole = weighted_auc(scores, labels, weights)
    for row, area in zip(weights.astype(int), whole, strict=True):
        assert area == pytest.approx(roc_auc_score(np.repeat(labels, row), np.repeat(scores, row)), abs=1e-12)
    order = np.random.default_rng(0).permutation(len(scores))
    assert np.array_equal(weighted_auc(scores[order], labels[order], weights[:, order]), whole)
    assert np.array_equal(weighted_auc(np.arctan(scores / 1e6), labels, weights), whole)
    monkeypatch.setattr(resampling, "BLOCK", 7)
    assert np.array_equal(weighted_auc(scores, labels, weights), whole)


@pytest.mark.filterwarnings("error")
def test_weighted_auc_of_one_class_is_unknown():
    scores, labels = np.array([0.1, 0.2, 0.2, 0.4]), np.array([0.0, 1, 0, 1])
    weights = np.array([[1.0, 0, 1, 0], [0, 1, 0, 1], [0, 0, 0, 0], [1, 1, 1, 1], [0, 1, 1, 0]])
    assert weighted_auc(scores, labels, weights) == pytest.approx([np.nan] * 3 + [3.5 / 4, 0.5], nan_ok=True)
    assert np.isnan(weighted_auc(np.empty(0), np.empty(0), np.empty((2, 0)))).all()


def test_scores_of_one_class_in_a_row_are_one_run():
    scores = np.array([1.0, 2, 3, 4, 5, 5, 6, 6, 7, 8])
    labels = np.array([1.0, 1, 0, 0, 0, 1, 1, 0, 1, 1])
    owner = np.array([0, 1, 0, 0, 1, 1, 0, 0, 1, 0])
    positives, negatives = (part.toarray() for part in auc_runs(scores, labels, owner, 3))
    # 1 and 2, 3 and 4, 5 of both classes, 6 of both classes, 7 and 8
    assert positives.tolist() == [[1, 1, 0], [0, 0, 0], [0, 1, 0], [1, 0, 0], [1, 1, 0]]
    assert negatives.tolist() == [[0, 0, 0], [2, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 0]]
