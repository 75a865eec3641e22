"""PartName keeps the contract of a ranking by lists, and does what it says."""

import torch
from part_package import PartName

from lgsid.recommenders import FirstPlace
from lgsid.testing import ListRankingContract


class TestPartName(ListRankingContract):
    bad_arguments = ({"scale_km": 0.0},)

    def make(self):
        return PartName()

    def test_a_small_scale_lists_the_nearest_first_and_a_large_one_the_most_probable(self):
        model, batch = self.model()
        batch = batch.take(torch.arange(1, len(batch)))  # those who have been somewhere
        n = len(model.catalogue)
        model.beam_width = n
        km = model.catalogue.km(batch.history[:, -1:], PartName(1e-6).rank(model, batch, n).items)
        assert bool((km.diff() > -1e-3).all())
        assert torch.equal(PartName(1e9).rank(model, batch, 5).items, FirstPlace().rank(model, batch, 5).items)
