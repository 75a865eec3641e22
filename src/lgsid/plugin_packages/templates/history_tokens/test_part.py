"""PartName keeps the contract of history tokens, and does what it says."""

import torch
from part_package import PartName

from lgsid.testing import HistoryTokensContract


class TestPartName(HistoryTokensContract):
    def make(self):
        return PartName()


def test_each_level_counts_half():
    codes, event = torch.ones(1, 1, 3, 2), torch.zeros(1, 1, 2)
    tokens, _ = PartName()(codes, event, torch.ones(1, 1, dtype=torch.bool))
    assert tokens.flatten().tolist() == [1.75, 1.75]
