"""Contract tests of what finds the nearest vectors, to inherit in the tests of other packages."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from lgsid.construction import describe, rebuild
from lgsid.neighbors.neighbor_index import NeighborIndex
from lgsid.testing.part_contract import PartContract


class NeighborIndexContract(PartContract):
    """Contract tests of an index of neighbors.

    Derive a class whose name starts with `Test` and give it `make`.
    """

    base = NeighborIndex
    recall: ClassVar[float] = 1.0
    """Smallest share of the ten nearest that it finds of vectors in clumps."""

    @abstractmethod
    def make(self) -> NeighborIndex:
        """Return a new index, with the same arguments every time."""

    def vectors(self) -> Tensor:
        """Return 600 vectors in clumps, of different lengths, the last four equal and the one before them zeros."""
        generator = torch.Generator().manual_seed(0)
        centers = torch.randn(20, 16, generator=generator)
        clumps = centers[torch.randint(20, (600,), generator=generator)]
        vectors = clumps + 0.3 * torch.randn(600, 16, generator=generator)
        vectors *= 1 + torch.rand(600, 1, generator=generator)
        vectors[-4:] = vectors[-1]
        vectors[-5] = 0
        return vectors

    def cosines(self, vectors: Tensor) -> Tensor:
        """Return all cosines in float64, (N, N), minus infinity on the diagonal."""
        unit = F.normalize(vectors.double(), dim=1)
        return (unit @ unit.T).fill_diagonal_(-torch.inf)

    def test_it_finds_nearly_all_of_the_nearest(self) -> None:
        """The share of the ten nearest by brute force that are found is at least `recall`; ties may be either."""
        vectors = self.vectors()
        cosines = self.cosines(vectors)
        found = cosines.gather(1, self.make().nearest(vectors, 10))
        tenth = cosines.topk(10).values[:, -1:]
        assert float((found >= tenth - 1e-6).double().mean()) >= self.recall

    def test_rows_are_others_once_nearest_first(self) -> None:
        """Among them rows whose vector other rows have, too, and one of zeros."""
        vectors = self.vectors()
        found = self.make().nearest(vectors, 7)
        assert found.dtype == torch.int64
        assert found.shape == (600, 7)
        assert bool(((found >= 0) & (found < 600)).all())
        assert bool((found != torch.arange(600)[:, None]).all())
        assert bool((found.sort(1).values.diff() > 0).all())
        assert bool((self.cosines(vectors).gather(1, found).diff() <= 1e-5).all())

    def test_chosen_rows_have_the_neighbors_that_they_have_among_all(self) -> None:
        """In their order, as often as they are asked for."""
        vectors, rows = self.vectors(), torch.tensor([599, 3, 0, 595, 3])
        every = self.make().nearest(vectors, 5)
        assert torch.equal(self.make().nearest(vectors, 5, rows), every[rows])
        assert self.make().nearest(vectors, 5, rows[:0]).shape == (0, 5)

    def test_more_than_there_are(self) -> None:
        """All other rows come back, however few; none of one row, and of no rows nothing."""
        vectors = self.vectors()
        for n in (0, 1, 2, 5, 40):
            found = self.make().nearest(vectors[:n], n + 3)
            expected = [[j for j in range(n) if j != i] for i in range(n)]
            assert found.shape == (n, max(n - 1, 0))
            assert found.sort(1).values.tolist() == expected
        assert self.make().nearest(vectors, 0).shape == (600, 0)

    def test_it_repeats_itself_and_changes_nothing(self) -> None:
        """The same vectors give the same rows, also from an index that has searched others, and stay as they are."""
        vectors, index = self.vectors(), self.make()
        given = vectors.clone()
        first = index.nearest(vectors, 5)
        index.nearest(vectors.flip(0)[:100], 3)
        assert torch.equal(index.nearest(vectors, 5), first)
        assert torch.equal(self.make().nearest(vectors, 5), first)
        assert torch.equal(vectors, given)

    def test_the_random_numbers_of_others_stay_as_they_are(self) -> None:
        """A search draws nothing from the global generator."""
        state = torch.get_rng_state()
        self.make().nearest(self.vectors(), 5)
        assert torch.equal(torch.get_rng_state(), state)

    def test_a_checkpoint_can_describe_it(self) -> None:
        """What is built from its description finds the same."""
        vectors = self.vectors()
        again: NeighborIndex = rebuild(describe(self.make()))
        assert torch.equal(again.nearest(vectors, 5), self.make().nearest(vectors, 5))
