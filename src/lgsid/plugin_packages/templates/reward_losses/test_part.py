"""PartName keeps the contract of a loss of the reward model, and does what it says."""

import math

import pytest
import torch
from part_package import PartName

from lgsid.testing import RewardLossContract


class TestPartName(RewardLossContract):
    def make(self):
        return PartName()


def test_pairs_against_a_loop():
    scores, label = [0.3, -1.0, 2.0], [3.0, 1.0, 2.0]
    pairs = [(i, j) for i in range(3) for j in range(3) if label[i] > label[j]]
    expected = sum(math.log1p(math.exp(scores[j] - scores[i])) for i, j in pairs) / len(pairs)
    assert PartName()(torch.tensor([scores]), torch.tensor([label])).item() == pytest.approx(expected)
