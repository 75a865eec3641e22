"""PartName keeps the contract of an alignment loss, and does what it says."""

import pytest
import torch
from part_package import PartName

from lgsid.alignment import EncodedPairs
from lgsid.testing import AlignmentLossContract


class TestPartName(AlignmentLossContract):
    bad_arguments = ({"margin": 0.0},)

    def make(self):
        return PartName()


def test_one_pair_by_hand():
    vectors = torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.8, 0.6]])
    pairs = EncodedPairs(torch.arange(3), vectors, vectors, torch.tensor([0]), torch.tensor([[1, 2]]))
    assert PartName(0.5).of(pairs)[0].item() == pytest.approx(0.5 - 0.6 + 0.8)
