"""PartName keeps the contract of a text encoder, and does what it says."""

import torch
from part_package import PartName

from lgsid.testing import TextEncoderContract


class TestPartName(TextEncoderContract):
    bad_arguments = ({"n": 0},)

    def make(self):
        return PartName()


def test_texts_that_share_letters_are_more_alike():
    coffee, cafe, park = PartName().encode(["coffee shop", "coffee shops", "national park"], use_cache=False)
    assert float(torch.dot(coffee, cafe)) > 0.8 > float(torch.dot(coffee, park))
