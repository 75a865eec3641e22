"""PartName keeps the contract of a reward model, and does what it says."""

import torch
from part_package import PartName

from lgsid.testing import RewardModelContract


class TestPartName(RewardModelContract):
    bad_arguments = ({"smoothing": 1.0},)

    def make(self):
        return self.made(PartName)

    def test_labels_keep_their_sum_and_their_order(self):
        model, data = self.make()
        data.setup()
        batch = next(iter(data.train_dataloader()))
        soft = model.softened(batch).label
        torch.testing.assert_close(soft.sum(1), batch.label.sum(1))
        assert torch.equal(soft.argsort(dim=1, stable=True), batch.label.argsort(dim=1, stable=True))
