"""PartName keeps the contract of features of semantic IDs, and does what it says."""

import torch
from part_package import PartName

from lgsid.testing import SidFeaturesContract


class TestPartName(SidFeaturesContract):
    bad_arguments = ({"width": 0},)

    def make(self):
        return PartName()

    def test_a_shared_prefix_has_shared_features(self):
        features = self.built()
        one, other = features(torch.tensor([[4, 1, 0], [4, 1, 2]]))
        assert torch.equal(one[:16], other[:16])
        assert not torch.equal(one[16:], other[16:])
