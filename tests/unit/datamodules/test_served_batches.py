from collections import Counter

import pytest
import torch
from torch.utils.data import BatchSampler

from lgsid import processes
from lgsid.datamodules import served_batches
from lgsid.datamodules.sequence_data import QuerySampler
from lgsid.datamodules.served_batches import ServedBatches, SharedBatches, check_share, joined
from lgsid.errors import LgsidError


def as_one_of(monkeypatch, number, size):
    for module in (processes, served_batches):
        monkeypatch.setattr(module, "n_processes", lambda: size)
        monkeypatch.setattr(module, "process_number", lambda: number)


def shares(monkeypatch, n, batch_size, size):
    """Return the batches of each process in one epoch."""
    found = []
    for number in range(size):
        as_one_of(monkeypatch, number, size)
        batches = SharedBatches(QuerySampler(n, batch_size, None, seed=3), n, batch_size)
        found.append(list(batches))
        assert len(found[-1]) == len(batches)
    return found


@pytest.mark.parametrize("size", [1, 2, 3, 4])
@pytest.mark.parametrize(("n", "batch_size"), [(40, 10), (41, 10), (43, 10), (9, 4), (5, 10), (4, 4)])
def test_every_row_once_in_steps_of_which_no_process_is_left_out(monkeypatch, n, batch_size, size):
    found = shares(monkeypatch, n, batch_size, size)
    assert Counter(row for one in found for batch in one for row in batch) == Counter(range(n))
    assert len({len(one) for one in found}) == 1
    for step in zip(*found, strict=True):
        sizes = [len(rows) for rows in step]
        assert min(sizes) > 0
        assert max(sizes) - min(sizes) <= 1


def test_steps_are_those_of_one_process(monkeypatch):
    (alone,), several = shares(monkeypatch, 43, 10, 1), shares(monkeypatch, 43, 10, 3)
    assert [set(rows) for rows in alone] == [set().union(*step) for step in zip(*several, strict=True)]


def test_small_batches_are_joined_to_a_neighbor():
    assert list(joined([[1], [2, 3], [4, 5]], 2)) == [[1, 2, 3], [4, 5]]
    assert list(joined([[1, 2], [3], [4, 5]], 2)) == [[1, 2, 3], [4, 5]]
    assert list(joined([[1, 2], [3, 4], [5]], 2)) == [[1, 2], [3, 4, 5]]
    assert list(joined([], 2)) == []


def test_fewer_rows_than_processes_are_refused(monkeypatch):
    as_one_of(monkeypatch, 0, 4)
    with pytest.raises(LgsidError, match="4 processes share batches of 3"):
        SharedBatches([[0, 1, 2]], 50, 3)
    with pytest.raises(LgsidError, match="3 queries of the val split are too few for 4 processes"):
        check_share(3, "queries of the val split")


def test_batches_are_made_anew_in_each_epoch():
    served = ServedBatches(BatchSampler(range(5), 2, drop_last=False), torch.tensor)
    for _ in range(2):
        assert [batch.tolist() for batch in served.loader()] == [[0, 1], [2, 3], [4]]
    assert len(served.loader()) == 3


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("n", [0, 1, 7])
def test_the_order_of_gathered_rows_leads_back(monkeypatch, n, size):
    gathered = []
    for number in range(size):
        as_one_of(monkeypatch, number, size)
        gathered.append(processes.own_rows(n))
    rows = torch.cat(gathered)
    assert rows[processes.gathered_order(n)].tolist() == list(range(n))


def test_one_process_gets_back_what_it_gives():
    rows = torch.ones(3, requires_grad=True)
    assert processes.gather_rows(rows) is rows
    assert processes.sum_of(rows) is rows
    assert processes.collect([1, 2]) == [1, 2]
    assert processes.any_process(True) is True
    state = torch.get_rng_state()
    processes.differ_in_chance()
    assert torch.equal(state, torch.get_rng_state())
