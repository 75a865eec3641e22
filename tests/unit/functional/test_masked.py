"""Soft-max and top-k that know what is there, against plain loops."""

import math

import numpy as np
import pytest
import torch

from lgsid.functional.masked import masked_softmax, masked_top_k


def test_softmax_is_that_of_what_is_there():
    g = torch.Generator().manual_seed(0)
    scores, mask = 5 * torch.randn(6, 4, 9, generator=g), torch.rand(6, 1, 9, generator=g) < 0.5
    mask[2] = False
    found = masked_softmax(scores.masked_fill(~mask, 1e30), mask).numpy()
    for i, j in np.ndindex(6, 4):
        there = mask[i, 0].numpy()
        expected = np.zeros(9)
        expected[there] = np.exp(scores[i, j].numpy()[there]) / np.exp(scores[i, j].numpy()[there]).sum()
        assert np.allclose(found[i, j], expected, atol=1e-6)
    assert not found[2].any()


def test_softmax_of_nothing_has_a_gradient_of_zero():
    scores = torch.randn(2, 3, requires_grad=True)
    masked_softmax(scores, torch.zeros(2, 3, dtype=torch.bool)).sum().backward()
    assert not scores.grad.any()


@pytest.mark.parametrize("k", [1, 4, 11, 30])
def test_top_k_is_the_start_of_a_sort(k):
    """Many ties, both zeros, infinities, and rows with fewer than k that are there."""
    rng = np.random.default_rng(k)
    values = np.array([-math.inf, -3.5, -1e-38, -0.0, 0.0, 1e-38, 2.0, 7.25, math.inf], np.float32)
    scores, mask = rng.choice(values, (40, 2, 11)), rng.random((40, 1, 11)) < 0.6
    mask[3] = False
    found, there = (x.numpy() for x in masked_top_k(torch.from_numpy(scores), torch.from_numpy(mask), k))
    assert found.shape == there.shape == (40, 2, min(k, 11))
    for i, j in np.ndindex(40, 2):
        known = [t for t in range(11) if mask[i, 0, t]]
        expected = sorted(known, key=lambda t: (scores[i, j, t], t), reverse=True)[:k]
        assert found[i, j][there[i, j]].tolist() == expected
        assert there[i, j].tolist() == sorted(there[i, j], reverse=True)


def test_padding_never_beats_a_negative_score():
    scores, mask = torch.tensor([[0.0, -2.0, 0.0, -1.0]]), torch.tensor([[False, True, False, True]])
    found, there = masked_top_k(scores, mask, 2)
    assert found.tolist() == [[3, 1]]
    assert there.all()
