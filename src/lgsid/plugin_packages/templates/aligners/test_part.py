"""PartName keeps the contract of an aligner, and does what it says."""

import torch
from part_package import PartName

from lgsid.testing import AlignerContract


class TestPartName(AlignerContract):
    def make(self):
        return self.made(PartName)

    def test_only_the_map_is_trained(self):
        module = self.trained()
        assert [name for name, weight in module.named_parameters() if weight.requires_grad] == ["map"]
        assert not torch.equal(module.map, torch.eye(module.encoder.dim))
