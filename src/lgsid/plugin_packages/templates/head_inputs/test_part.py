"""PartName keeps the contract of a head input, and does what it says."""

import torch
from part_package import PartName

from lgsid.testing import HeadInputContract


class TestPartName(HeadInputContract):
    bad_arguments = ({"width": 0},)

    def make(self):
        return PartName(width=5)


def test_a_candidate_like_its_anchor_has_no_features():
    head = PartName(3)
    head.build(4)
    anchor = torch.randn(2, 4)
    assert not head(anchor, anchor[:, None]).any()
