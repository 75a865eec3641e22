"""PartName keeps the contract of a collision strategy, and does what it says."""

import numpy as np
from part_package import PartName

from lgsid.testing import CollisionStrategyContract


class TestPartName(CollisionStrategyContract):
    def make(self):
        return PartName()


def test_late_items_get_the_first_free_ids():
    codes = np.array([[1, 1], [0, 1], [1, 1], [0, 1]])
    assert PartName().resolve(codes, (2, 2), lambda *_: None).codes.tolist() == [[1, 1], [0, 1], [0, 0], [1, 0]]
