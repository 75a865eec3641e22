"""PartName keeps the contract of a balance of experts, and does what it says."""

import numpy as np
import pytest
import torch
from part_package import PartName

from lgsid.testing import ExpertBalanceContract


class TestPartName(ExpertBalanceContract):
    bad_arguments = ({"weight": -1.0},)

    def make(self):
        return PartName()


def test_it_is_the_squared_coefficient_of_variation():
    affinity = torch.randn(9, 5, generator=torch.Generator().manual_seed(0)).softmax(1)
    importance = affinity.double().sum(0).numpy()
    expected = 0.3 * np.var(importance) / np.mean(importance) ** 2
    assert PartName(weight=0.3).loss(affinity, torch.zeros(5)).item() == pytest.approx(expected, rel=1e-4)
