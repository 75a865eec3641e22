"""PartName keeps the contract of a loss of lists, and does what it says."""

import pytest
import torch
from part_package import PartName

from lgsid.testing import ListLossContract


class TestPartName(ListLossContract):
    def make(self):
        return PartName()


def test_against_a_loop():
    log_prob, reward = [-1.0, -2.5, -0.5], [0.2, 0.9, 0.4]
    total = 0.0
    for g in range(3):
        others = [reward[i] for i in range(3) if i != g]
        total -= (reward[g] - sum(others) / 2) * log_prob[g]
    given = torch.tensor([log_prob]), torch.zeros(1, 3), torch.tensor([reward]), torch.ones(1, 3, dtype=torch.bool)
    assert PartName()(*given).item() == pytest.approx(total / 3)
