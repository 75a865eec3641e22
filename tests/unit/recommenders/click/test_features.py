"""Parts of DIN: features of semantic IDs and distance, attention."""

import math
from types import SimpleNamespace

import pytest
import torch

from lgsid.errors import LgsidError
from lgsid.recommenders.click import (
    ClickInputs,
    ClickSizes,
    LevelSids,
    LogDistance,
    NgramSids,
    NoDistance,
    NoSids,
    PrefixSids,
    SummedPrefixSids,
    TargetAttention,
)
from lgsid.recommenders.click.sid_features import prefix_buckets

SIZES = (3, 5, 2, 7)


def codes(n=11, seed=0):
    g = torch.Generator().manual_seed(seed)
    return torch.stack([torch.randint(0, size, (n,), generator=g) for size in SIZES], 1)


@pytest.mark.parametrize(
    ("features", "parts"),
    [
        (NoSids(), 0),
        (LevelSids(width=6), 4),
        (PrefixSids(width=6, buckets=97), 4),
        (SummedPrefixSids(width=6, buckets=97), 1),
        (NgramSids(1, width=6, buckets=97), 4),
        (NgramSids(3, width=6, buckets=97), 2),
        (NgramSids(9, width=6, buckets=97), 1),
    ],
)
def test_sid_features_have_their_width_for_any_shape(features, parts):
    features.build(SIZES)
    assert features.dim == 6 * parts
    flat = features(codes())
    assert flat.shape == (11, features.dim)
    assert torch.equal(features(codes()[:10].view(2, 5, 4)), flat[:10].view(2, 5, -1))


def test_level_features_change_with_their_level_only():
    features = LevelSids(width=3)
    features.build(SIZES)
    one, other = torch.tensor([1, 4, 0, 2]), torch.tensor([1, 3, 0, 2])
    same = (features(one) == features(other)).view(4, 3).all(1)
    assert same.tolist() == [True, False, True, True]


def test_prefix_features_change_from_the_first_difference_on():
    features = PrefixSids(width=3, buckets=1 << 20)
    features.build(SIZES)
    one, other = torch.tensor([1, 4, 0, 2]), torch.tensor([1, 3, 0, 2])
    same = (features(one) == features(other)).view(4, 3).all(1)
    assert same.tolist() == [True, False, False, False]


def test_sums_of_prefixes_differ_by_what_comes_after_the_common_prefix():
    features = SummedPrefixSids(width=3, buckets=1 << 16)
    features.build(SIZES)
    one, other = torch.tensor([1, 4, 0, 2]), torch.tensor([1, 4, 1, 2])
    rows = [prefix_buckets(codes, 1 << 16) for codes in (one, other)]
    assert (rows[0] == rows[1]).tolist() == [True, True, False, False]
    expected = torch.zeros(3)
    for depth in (2, 3):
        table = features.tables[depth].weight
        expected = expected + table[rows[0][depth]] - table[rows[1][depth]]
    assert torch.allclose(features(one) - features(other), expected, atol=1e-6)


def test_runs_change_where_a_code_is_in_them_only():
    features = NgramSids(2, width=3, buckets=1 << 20)
    features.build(SIZES)
    one, other = torch.tensor([1, 1, 1, 1]), torch.tensor([0, 1, 1, 1])
    same = (features(one) == features(other)).view(3, 3).all(1)
    assert same.tolist() == [False, True, True]
    assert len(features.bucket(one).unique()) == 3  # the same run at another level is another run
    whole = NgramSids(4, buckets=977)
    assert len(whole.bucket(torch.cartesian_prod(*map(torch.arange, SIZES))).unique()) > 150  # of 210
    with pytest.raises(LgsidError, match="n must be at least 1"):
        NgramSids(0)


def test_prefixes_spread_over_the_buckets():
    features = PrefixSids(width=2, buckets=4096)
    every = torch.cartesian_prod(torch.arange(64), torch.arange(64))
    rows = features.bucket(every)
    assert int(rows.min()) >= 0
    assert int(rows.max()) < 4096
    assert len(rows[:, 0].unique()) >= 62  # 64 prefixes
    expected = 4096 * (1 - math.exp(-1))  # of 4,096 balls in 4,096 urns
    assert abs(len(rows[:, 1].unique()) - expected) < 0.05 * expected
    assert torch.equal(rows, PrefixSids(width=2, buckets=4096).bucket(every))  # the hash has no state


def wrapped(number):
    """Return a whole number as 64 bits hold it."""
    return (number + 2**63) % 2**64 - 2**63


def test_buckets_are_a_hash_of_whole_numbers():
    """Trained tables are read by it, so it may not change."""
    features, given = PrefixSids(width=2, buckets=977), codes()
    for row, found in zip(given.tolist(), features.bucket(given).tolist(), strict=True):
        state, expected = 0, []
        for level, code in enumerate(row, start=1):
            state = wrapped((state + code + level) * 0x5851F42D4C957F2D)
            state ^= state >> 29
            expected.append((wrapped(state * 0x2545F4914F6CDD1D) >> 20) % 977)
        assert found == expected


def test_distance_features_know_unknown_and_order():
    features = LogDistance(steps=5)
    km = torch.tensor([[0.0, 0.1, 1.0, 20.0, torch.nan]], dtype=torch.float64)
    found = features(km)
    assert found.shape == (1, 5, features.dim)
    assert found.dtype == torch.float32
    assert bool(found.isfinite().all())
    assert bool((found[0, 4] == 0).all())
    assert bool((found[0, :4, -1] == 1).all())
    assert bool((found[0, :4, 0].diff() > 0).all())
    assert NoDistance()(km).shape == (1, 5, 0)


def test_attention_is_the_plain_sum_over_events():
    """Against a loop over queries, candidates and events, with the first layer in one piece."""
    b, c, t, d, x, y = 2, 3, 4, 5, 2, 3
    torch.manual_seed(0)
    layer = TargetAttention(6)
    layer.build(ClickSizes(d, x, y, cross=0, items=0))
    event, context, candidate = torch.randn(b, t, d), torch.randn(b, t, x), torch.randn(b, c, d)
    match, mask = torch.randn(b, c, t, y), torch.rand(b, t) < 0.7
    pairs = SimpleNamespace(match=lambda past, here: match)
    inputs = ClickInputs(event, context, mask, candidate, event[..., 0], candidate[..., 0], None, pairs)
    found = layer(inputs).vector
    assert found.shape == (b, c, layer.dim)
    for i in range(b):
        for j in range(c):
            total = torch.zeros(layer.dim)
            for k in range(t):
                if not mask[i, k]:
                    continue
                both = torch.cat([event[i, k] * candidate[i, j], match[i, j, k]])
                seen = torch.cat([event[i, k], context[i, k]])
                hidden = layer.of_event(seen) + layer.of_candidate(candidate[i, j]) + layer.of_both(both)
                weight = layer.weight(hidden.relu())
                total += weight * torch.cat([event[i, k], match[i, j, k], torch.ones(1)])
            assert torch.allclose(found[i, j], total, atol=1e-5)
