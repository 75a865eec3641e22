"""What counts of the training split know too early, against loops."""

import numpy as np
import torch

from lgsid.datamodules import SequenceData
from lgsid.recommenders.own_future import later_counts, later_items, later_table
from lgsid.testing import toy_city


def test_later_check_ins_are_counted_per_candidate_and_per_item():
    data = SequenceData(toy_city())
    data.setup()
    log, n = data.log, len(data.dataset.items)
    rows = data.queries("train")[::7]
    batch = data.batch(rows)
    everything = torch.arange(n).expand(len(rows), -1)
    found = later_counts(batch, everything)
    for row, counts in zip(rows, found, strict=True):
        own = (log.user == log.user[row]) & (log.split == "train") & (np.arange(len(log)) >= row)
        assert counts.tolist() == np.bincount(log.item[own], minlength=n).tolist()
    assert bool((found.gather(1, batch.target[:, None]) >= 1).all())
    assert torch.equal(later_table(batch, n), found.float())
    hour = later_table(batch, n, batch.later_hour)
    assert torch.allclose(hour.sum(1), batch.later_hour.sum(1), rtol=1e-5)


def test_after_the_training_there_is_nothing_to_leave_out():
    data = SequenceData(toy_city())
    data.setup()
    batch = data.batch(data.queries("test")[:5])
    assert later_items(batch).shape == (5, 0)
    assert not later_counts(batch, batch.target[:, None]).any()
    assert not later_table(batch, 9).any()
