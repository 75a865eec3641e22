"""PartName keeps the contract of a split, and does what it says."""

import pandas as pd
from part_package import PartName

from lgsid.testing import SplitContract


class TestPartName(SplitContract):
    bad_arguments = ({"train": 1.2},)

    def make(self):
        return PartName()


def test_shares_are_of_each_user():
    log = pd.DataFrame({"user_id": ["a", "b"] * 4 + ["a", "a"]})
    found = PartName(0.5, 0.25).assign(log)
    assert found[log["user_id"] == "a"].tolist() == ["train"] * 3 + ["val"] * 2 + ["test"]
    assert found[log["user_id"] == "b"].tolist() == ["train", "train", "val", "test"]
