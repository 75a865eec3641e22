"""PartName keeps the contract of a signal of check-ins, and does what it says."""

import numpy as np
from part_package import PartName

from lgsid.testing import VisitSignalContract
from lgsid.tokenizers.visits import Visits


class TestPartName(VisitSignalContract):
    def make(self):
        return PartName()


def test_check_ins_and_users_are_counted():
    user, place = np.array([4, 4, 4, 1]), np.array([0, 0, 2, 2])
    found = PartName().of(Visits(user, place, np.zeros(4, dtype=np.int64), 3))
    np.testing.assert_allclose(found, np.log1p([[2, 1], [0, 0], [2, 2]]), rtol=1e-6)
