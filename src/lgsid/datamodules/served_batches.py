"""Batches that a datamodule cuts itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from typing import Protocol, TypeVar

from torch.utils.data import DataLoader, IterableDataset

from lgsid.errors import LgsidError
from lgsid.processes import n_processes, process_number

B_co = TypeVar("B_co", covariant=True)


class Batches(Sized, Iterable[list[int]], Protocol):
    """Rows of each batch of an epoch, anew every time."""


class ServedBatches(IterableDataset[B_co]):
    """Batches of given rows, which a trainer does not share out once more.

    Lightning puts a sampler of its own into a loader of single items, which repeats some of them in a test so that all
    processes have as many; of these batches it keeps its hands off.

    Args:
        batches: The rows of each batch.
        make: Returns the batch of given rows.
    """

    def __init__(self, batches: Batches, make: Callable[[list[int]], B_co]) -> None:
        self.batches, self.make = batches, make

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[B_co]:
        return map(self.make, self.batches)

    def loader(self) -> DataLoader[B_co]:
        """Return a dataloader of them."""
        return DataLoader(self, batch_size=None)


class SharedBatches:
    """The share of this process in each batch: every W-th row of it, for W processes.

    So the processes take one step together on what one process takes it on. A batch of fewer rows than there are
    processes, which can be the last one cut, is joined to a neighbor, so that every process has rows in every step.

    Args:
        batches: The rows of each batch, of all processes; the same in each.
        n: Number of rows of an epoch.
        batch_size: Rows of a batch; one of them may have fewer.

    Raises:
        LgsidError: if there are fewer rows than processes.
    """

    def __init__(self, batches: Batches, n: int, batch_size: int) -> None:
        self.batches, self.least = batches, n_processes()
        if min(n, batch_size) < self.least:
            raise LgsidError(
                f"{self.least} processes share batches of {min(n, batch_size)}, so that some would have nothing to do;"
                " give larger batches or fewer processes (trainer.devices)"
            )
        self.joins = n > batch_size and 0 < n % batch_size < self.least

    def __len__(self) -> int:
        return len(self.batches) - self.joins

    def __iter__(self) -> Iterator[list[int]]:
        for rows in joined(self.batches, self.least):
            yield rows[process_number() :: self.least]


def joined(batches: Iterable[list[int]], least: int) -> Iterator[list[int]]:
    """Yield batches, those of fewer rows than `least` joined to the one before, or the first to the one behind."""
    held: list[int] | None = None
    for rows in batches:
        if held is None:
            held = rows
        elif min(len(held), len(rows)) < least:
            held = held + rows
        else:
            yield held
            held = rows
    if held is not None:
        yield held


def check_share(n: int, what: str) -> None:
    """Refuse queries that are too few for every process to have one.

    Raises:
        LgsidError: naming both numbers.
    """
    if n < n_processes():
        raise LgsidError(f"{n} {what} are too few for {n_processes()} processes; give fewer (trainer.devices)")
