"""PartName keeps the contract of a store of vectors, and does what it says."""

import numpy as np
from part_package import PartName

from lgsid.testing import VectorStoreContract


class TestPartName(VectorStoreContract):
    bad_arguments = ({"rows": 0},)

    def make(self):
        return PartName()


def test_queries_in_blocks_find_the_same(tmp_path):
    contract = TestPartName()
    PartName().export(contract.places(), tmp_path)
    whole = PartName().search(tmp_path, contract.queries(), 5)
    assert np.array_equal(PartName(rows=7).search(tmp_path, contract.queries(), 5).ids, whole.ids)
