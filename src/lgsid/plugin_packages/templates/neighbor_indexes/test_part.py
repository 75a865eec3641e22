"""PartName keeps the contract of an index of neighbors, and does what it says."""

import torch
from part_package import PartName

from lgsid.neighbors import ExactNeighbors
from lgsid.testing import NeighborIndexContract


class TestPartName(NeighborIndexContract):
    recall = 0.95
    bad_arguments = ({"n_directions": 0}, {"shortlist": 0})

    def make(self):
        return PartName()


def test_in_all_directions_it_misses_none():
    vectors = torch.randn(60, 5, generator=torch.Generator().manual_seed(0))
    expected = ExactNeighbors().nearest(vectors, 6)
    assert torch.equal(PartName(n_directions=5, shortlist=1).nearest(vectors, 6), expected)
