"""PartName keeps the contract of an attribute encoder, and does what it says."""

import torch
from part_package import PartName

from lgsid.testing import AttributeEncoderContract


class TestPartName(AttributeEncoderContract):
    bad_arguments = ({"weight": -1.0},)

    def make(self):
        return PartName()

    def test_two_categories_are_the_weight_apart(self):
        items = self.items()
        apart = torch.cdist(self.built()(items), self.built()(items))
        differ = (items.category[:, None] != items.category) & (items.category[:, None] * items.category > 0)
        torch.testing.assert_close(apart[differ], torch.full_like(apart[differ], 0.5))
