"""PartName keeps the contract of features of a distance, and does what it says."""

import math

import pytest
import torch
from part_package import PartName

from lgsid.testing import DistanceFeaturesContract


class TestPartName(DistanceFeaturesContract):
    bad_arguments = ({"scale_km": 0.0},)

    def make(self):
        return PartName()


def test_values_by_hand():
    found = PartName(0.5)(torch.tensor([1.0, math.nan], dtype=torch.float64)).flatten().tolist()
    assert found == pytest.approx([math.log(3.0), 1.0, 0.0, 0.0])
