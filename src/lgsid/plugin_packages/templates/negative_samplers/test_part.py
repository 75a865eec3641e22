"""PartName keeps the contract of a sampler of negatives, and does what it says."""

import numpy as np
from part_package import PartName

from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.testing import NegativeSamplerContract, toy_city


class TestPartName(NegativeSamplerContract):
    bad_arguments = ({"n_any": -1},)

    def make(self):
        return PartName()


def test_all_places_are_about_equally_likely():
    dataset = toy_city()
    drawn, _ = PartName(n_any=50).draw(CheckInLog.of(dataset), dataset.items, np.random.default_rng(0))
    counts = np.bincount(drawn.ravel(), minlength=len(dataset.items))
    assert counts.min() > 0.7 * counts.mean()
