"""Comparisons against plain loops, scipy, and what must hold by symmetry."""

import json
import math

import numpy as np
import pytest
from scipy import stats

from lgsid.benchmark import comparison as module
from lgsid.benchmark.comparison import Comparison, compare_seeds, compare_users, ranks, tied_with_best
from lgsid.benchmark.user_scores import UserScores
from lgsid.errors import LgsidError
from lgsid.functional.resampling import ratio, user_weights


class Means(UserScores):
    """Means over users of given values (U, K); a user whose value is NaN has none."""

    def __init__(self, values, keys=("m",), source="here", queries="q"):
        super().__init__(source, np.arange(len(values)), keys, queries)
        self.values = np.asarray(values, dtype=float).reshape(len(values), len(keys))

    def evaluate(self, weights):
        known = ~np.isnan(self.values)
        return ratio(weights @ np.where(known, self.values, 0), weights @ known.astype(float))


def by_hand(first, second, weights):
    """Mean, ends and p of second minus first: lists of one array (U,) per seed."""
    gaps = []
    for row in weights:
        a = sum((row * seed).sum() / row.sum() for seed in first) / len(first)
        b = sum((row * seed).sum() / row.sum() for seed in second) / len(second)
        gaps.append(b - a)
    low, high = np.quantile(gaps, [0.025, 0.975])
    below, above = sum(g <= 0 for g in gaps), sum(g >= 0 for g in gaps)
    p = min(1.0, 2 * (min(below, above) + 1) / (len(gaps) + 1))
    return np.mean([s.mean() for s in second]) - np.mean([s.mean() for s in first]), low, high, p


def draw(seed=0, n_users=40):
    """Three methods, of three seeds, of two and of one; better by 0, 0.1 and 0.5."""
    g = np.random.default_rng(seed)
    easy = g.normal(size=n_users)
    offsets = {"base": (0.0, 3), "near": (0.1, 2), "far": (0.5, 1)}
    return {
        name: [easy + offset + 0.3 * g.normal(size=n_users) for _ in range(n_seeds)]
        for name, (offset, n_seeds) in offsets.items()
    }


def as_scores(values):
    return {name: [Means(seed) for seed in seeds] for name, seeds in values.items()}


def test_users_by_hand():
    values = draw()
    found = compare_users(as_scores(values), replicates=300, seed=5)  # more than one chunk
    weights = user_weights(40, 300, seed=5)
    zero = [np.zeros(40)]
    for name, seeds in values.items():
        assert found.values[name]["m"] == pytest.approx(by_hand(zero, seeds, weights)[:3], abs=1e-12)
    for base in values:
        others = [name for name in values if name != base]
        assert set(found.differences["m"][base]) == set(others)
        hand = {name: by_hand(values[base], values[name], weights) for name in others}
        for name in others:
            assert found.differences["m"][base][name][:4] == pytest.approx(hand[name], abs=1e-12)
        small, large = sorted(others, key=lambda name: hand[name][3])
        corrected = min(1, 2 * hand[small][3])
        assert found.differences["m"][base][small][4] == pytest.approx(corrected)
        assert found.differences["m"][base][large][4] == pytest.approx(max(corrected, hand[large][3]))


def test_users_agree_with_scipy():
    values = draw(seed=1, n_users=150)
    found = compare_users(as_scores(values), replicates=4000)
    base, far = np.mean(values["base"], axis=0), values["far"][0]
    settings = {"n_resamples": 4000, "method": "percentile", "random_state": np.random.default_rng(1)}
    plain = stats.bootstrap((far,), np.mean, **settings).confidence_interval
    assert found.values["far"]["m"][1:] == pytest.approx((plain.low, plain.high), abs=0.03)
    pairs = stats.bootstrap((far, base), lambda x, y, axis: (x - y).mean(axis), paired=True, **settings)
    ends = pairs.confidence_interval
    assert found.differences["m"]["base"]["far"][1:3] == pytest.approx((ends.low, ends.high), abs=0.01)
    width = found.values["far"]["m"][2] - found.values["far"]["m"][1]
    assert ends.high - ends.low < width / 2  # pairing pays: what is hard for one is hard for all


def test_users_directions_mirror_each_other():
    found = compare_users(as_scores(draw(seed=2)), replicates=200).differences["m"]
    for base, methods in found.items():
        for name, (mean, low, high, p, _) in methods.items():
            back = found[name][base]
            assert back[:4] == (-mean, -high, -low, p)
            assert low <= mean <= high


def test_users_same_seed_same_result_whatever_the_chunk(monkeypatch):
    scores = as_scores(draw(seed=3))
    one = compare_users(scores, replicates=100, seed=1)
    assert one == compare_users(scores, replicates=100, seed=1)
    assert one != compare_users(scores, replicates=100, seed=2)
    monkeypatch.setattr(module, "CHUNK", 33)
    other = compare_users(scores, replicates=100, seed=1)
    assert other.to_dict() == one.to_dict()


def test_users_do_not_depend_on_who_else_is_compared():
    scores = as_scores(draw(seed=4))
    whole = compare_users(scores, replicates=100)
    pair = compare_users({name: scores[name] for name in ("far", "base")}, replicates=100)
    assert pair.values["far"] == whole.values["far"]
    found = pair.differences["m"]["base"]["far"]
    assert found[:4] == pytest.approx(whole.differences["m"]["base"]["far"][:4], abs=1e-12)
    assert found[4] == found[3]  # a family of one


def test_equal_methods_have_p_one():
    x = np.random.default_rng(5).random(30)
    scores = {"one": [Means(x)], "thrice": [Means(x), Means(x), Means(x)]}
    found = compare_users(scores, replicates=200).differences["m"]
    assert found["one"]["thrice"] == (0, 0, 0, 1, 1)
    assert math.copysign(1, found["thrice"]["one"][0]) == 1


def test_a_metric_that_one_lacks_is_absent():
    g = np.random.default_rng(6)
    both, first, second = g.random((20, 2)), g.random((20, 1)), g.random((20, 2))
    scores = {
        "full": [Means(both, ("a", "b"))],
        "short": [Means(first, ("a",))],
        "swapped": [Means(second, ("b", "a")), Means(first, ("a",))],
        "swap": [Means(second, ("b", "a"))],
    }
    found = compare_users(scores, replicates=100)
    assert {name: set(values) for name, values in found.values.items()} == {
        "full": {"a", "b"},
        "short": {"a"},
        "swapped": {"a"},  # one of its seeds lacks b
        "swap": {"a", "b"},
    }
    assert set(found.differences["b"]) == {"full", "swap"}
    assert found.values["swap"]["b"][0] == pytest.approx(second[:, 0].mean())
    mean, _, _, p, p_holm = found.differences["b"]["full"]["swap"]
    assert mean == pytest.approx(second[:, 0].mean() - both[:, 1].mean())
    assert p == p_holm  # those without b are not counted


@pytest.mark.filterwarnings("error")
def test_few_users_have_no_interval():
    g = np.random.default_rng(7)
    rare, known = np.full(50, np.nan), np.full(50, np.nan)
    rare[:2], known[:20] = 1.0, g.random(20)  # the first two are left out of every seventh replicate
    values = np.stack([rare, known], 1)
    scores = {"x": [Means(values, ("rare", "known"))], "y": [Means(values + 1, ("rare", "known"))]}
    found = compare_users(scores, replicates=500)
    assert found.values["x"]["rare"] == (1, None, None)
    assert found.differences["rare"]["x"]["y"] == (1, None, None, None, None)
    assert None not in found.values["x"]["known"]
    assert None not in found.differences["known"]["x"]["y"]
    alone = compare_users({"x": [Means([0.5])], "y": [Means([0.7])]}, replicates=50)
    assert alone.values["x"]["m"] == (0.5, None, None)
    assert alone.differences["m"]["x"]["y"] == (pytest.approx(0.2), None, None, None, None)


def test_other_queries_and_nothing_are_refused():
    one, other = Means([1, 2], source="one"), Means([1, 2], source="other", queries="r")
    with pytest.raises(LgsidError, match="other: was measured on other queries"):
        compare_users({"a": [one], "b": [one, other]})
    with pytest.raises(LgsidError, match="b: has no results"):
        compare_users({"a": [one], "b": []})
    with pytest.raises(LgsidError, match="nothing to compare"):
        compare_users({})
    with pytest.raises(LgsidError, match="nothing to compare"):
        compare_seeds({})
    with pytest.raises(LgsidError, match="a: needs results of seeds"):
        compare_seeds({"a": {}})
    with pytest.raises(LgsidError, match="a: needs results of seeds"):
        compare_seeds({"a": {None: {"m": 1.0}, 3: {"m": 1.0}}})


def test_seeds_agree_with_scipy():
    g = np.random.default_rng(8)
    a, b, c = g.normal(size=4), g.normal(size=4) + 1, 0.3
    found = compare_seeds(
        {
            "a": {seed: {"m": x} for seed, x in zip((1, 2, 3, 4), a, strict=True)},
            "b": {seed: {"m": x} for seed, x in zip((4, 3, 2, 1), b[::-1], strict=True)},  # in another order
            "fixed": {None: {"m": c}},
        }
    )
    low, high = stats.t.interval(0.95, 3, loc=a.mean(), scale=stats.sem(a))
    assert found.values["a"]["m"] == pytest.approx((a.mean(), low, high))
    assert found.values["fixed"]["m"] == (c, None, None)
    test = stats.ttest_rel(b, a)
    ends = test.confidence_interval()
    expected = ((b - a).mean(), ends.low, ends.high, test.pvalue)
    assert found.differences["m"]["a"]["b"][:4] == pytest.approx(expected)
    one = stats.ttest_1samp(a, c)
    ends = one.confidence_interval()
    expected = (a.mean() - c, ends.low - c, ends.high - c, one.pvalue)
    assert found.differences["m"]["fixed"]["a"][:4] == pytest.approx(expected)
    assert found.differences["m"]["a"]["fixed"][:4] == pytest.approx(
        (-expected[0], -expected[2], -expected[1], one.pvalue)
    )
    small, large = sorted((test.pvalue, one.pvalue))
    corrected = sorted(row[4] for row in found.differences["m"]["a"].values())
    assert corrected == pytest.approx([2 * small, max(2 * small, large)])


@pytest.mark.filterwarnings("error")
def test_seeds_without_a_spread():
    found = compare_seeds(
        {
            "a": {1: {"m": 0.1, "n": 1.0}, 2: {"m": 0.2, "n": 2.0}},
            "same": {1: {"m": 0.1, "n": 1.0}, 2: {"m": 0.2, "n": 2.0}},
            "shifted": {1: {"m": 0.1 + 0.3, "n": 3.0}, 2: {"m": 0.2 + 0.3, "n": 7.0}},
            "x": {None: {"m": 0.5}},
            "y": {None: {"m": 0.7}},
            "other seeds": {8: {"m": 0.4}, 9: {"m": 0.5}},
            "one shared": {2: {"m": 0.5}, 9: {"m": 0.5}},
        }
    )
    against = found.differences["m"]["a"]
    assert against["same"] == (0, 0, 0, 1, 1)
    mean, low, high, p, p_holm = against["shifted"]
    assert (mean, low, high) == pytest.approx((0.3, 0.3, 0.3))
    assert (p, p_holm) == (None, None)
    assert found.differences["m"]["x"]["y"] == (pytest.approx(0.2), None, None, None, None)
    assert "other seeds" not in against
    assert against["one shared"] == (pytest.approx(0.3), None, None, None, None)
    assert found.differences["m"]["x"]["other seeds"][0] == pytest.approx(-0.05)
    assert set(found.differences["n"]) == {"a", "same", "shifted"}
    assert "n" not in found.values["x"]


def test_seeds_that_lack_a_metric_leave_it_out():
    found = compare_seeds({"a": {1: {"m": 1.0, "n": 2.0}, 2: {"m": 2.0}}, "b": {1: {"m": math.nan, "n": 1.0}}})
    assert set(found.values["a"]) == {"m"}
    assert set(found.values["b"]) == {"n"}
    assert found.differences["n"]["a"]["b"][0] == -1  # the seed that both have
    assert "m" not in found.differences


def test_round_trip_through_json():
    found = compare_users(as_scores(draw(seed=9)), replicates=60)
    kept = found.to_dict()
    back = Comparison.from_dict(json.loads(json.dumps(kept, allow_nan=False)))
    assert back.to_dict() == kept
    assert back.values["far"]["m"] == pytest.approx(found.values["far"]["m"], rel=5e-6)
    exact = Comparison({"a": {"m": (1 / 3, None, 123456789.0)}}, {"m": {"a": {"b": (0.0, 2 / 3e7, 1, None, None)}}})
    assert exact.to_dict() == {
        "values": {"a": {"m": [0.333333, None, 123457000.0]}},
        "differences": {"m": {"a": {"b": [0.0, 6.66667e-08, 1.0, None, None]}}},
    }
    with pytest.raises(LgsidError, match="lacks values or differences"):
        Comparison.from_dict({"values": {}})


def example(p_holm):
    """A, B, C, D with means 4, 3, 2, 1, and corrected p values of pairs."""
    values = {name: {"m": (mean, None, None)} for name, mean in zip("ABCD", (4.0, 3.0, 2.0, 1.0), strict=True)}
    table = {base: {m: (0.0, None, None, p, p) for pair, p in p_holm.items() for m in pair.replace(base, "")
                    if base in pair} for base in "ABCD"}  # fmt: skip
    return Comparison(values, {"m": table})


def test_ranks_share_what_cannot_be_told_apart():
    found = example({"AB": 0.2, "AC": 0.01, "AD": 0.01, "BC": 0.3, "BD": 0.01, "CD": 0.04})
    assert tied_with_best(found, "m", higher=True) == {"A", "B"}
    assert ranks(found, "m", higher=True) == {"A": 1, "B": 1, "C": 3, "D": 4}
    assert tied_with_best(found, "m", higher=False) == {"D"}
    assert ranks(found, "m", higher=False) == {"D": 1, "C": 2, "B": 2, "A": 4}
    edge = example({"AB": 0.05, "AC": 0.0499, "AD": None, "CD": 0.04})
    assert tied_with_best(edge, "m", higher=True) == {"A", "B", "D"}  # 0.05 is not significant, unknown neither
    assert ranks(edge, "m", higher=True)["C"] == 4
    assert ranks(edge, "other", higher=True) == {}
    assert tied_with_best(edge, "other", higher=True) == set()


def test_ranks_of_measured_methods():
    found = compare_users(as_scores(draw(seed=10, n_users=200)), replicates=400)
    assert tied_with_best(found, "m", higher=True) == {"far"}
    assert ranks(found, "m", higher=True)["far"] == 1
    assert ranks(found, "m", higher=False)["far"] == 3


def test_without_a_comparison_nothing_is_significant():
    values = {"low": {"m": (1.0, None, None)}, "high": {"m": (2.0, None, None)}, "none": {}}
    assert ranks(Comparison(values, {}), "m", higher=True) == {"high": 1, "low": 1}
    assert list(ranks(Comparison(values, {}), "m", higher=True)) == ["high", "low"]
    assert list(ranks(Comparison(values, {"m": {}}), "m", higher=False)) == ["low", "high"]
