"""PartName keeps the contract of a pair sampler, and does what it says."""

import numpy as np
from part_package import PartName

from lgsid.testing import PairSamplerContract


class TestPartName(PairSamplerContract):
    bad_arguments = ({"k": 0},)

    def make(self):
        return PartName()

    def test_chosen_places_are_among_the_nearest(self):
        items = self.dataset().items
        batch = self.draw(self.dataset())
        for anchor, chosen in zip(batch.anchor.tolist(), batch.chosen.tolist(), strict=True):
            east = (items.lon_deg - items.lon_deg[anchor]) * np.cos(np.deg2rad(items.lat_deg[anchor]))
            nearest = np.hypot(items.lat_deg - items.lat_deg[anchor], east).argsort()[:12]
            assert chosen in nearest
