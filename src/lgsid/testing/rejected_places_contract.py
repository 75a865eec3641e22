"""Contract tests of proposals of rejected places, to inherit in the tests of other packages."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from lgsid.alignment.rejected_places import RejectedPlaces
from lgsid.alignment.sampling import IntArray
from lgsid.artefacts import Dataset, Interactions
from lgsid.testing.part_contract import PartContract
from lgsid.testing.toy_city import same_city


class RejectedPlacesContract(PartContract):
    """Contract tests of what proposes rejected places.

    Derive a class whose name starts with `Test` and give it `make`.
    """

    base = RejectedPlaces

    @abstractmethod
    def make(self) -> RejectedPlaces:
        """Return a new object, not fitted yet."""

    def dataset(self) -> Dataset:
        """Return the data to propose from."""
        return same_city(80, 20, 1000)

    def pairs(self) -> IntArray:
        """Return rows of anchor and chosen place, (P, 2)."""
        return np.random.default_rng(5).integers(80, size=(60, 2))

    def proposed(self, dataset: Dataset, seed: int = 0, n_rejected: int = 4, tries: int = 3) -> IntArray:
        """Return proposals of a newly fitted object, (B, K, T)."""
        places, pairs = self.make(), self.pairs()
        places.fit(dataset, pairs)
        return places.propose(pairs[:, 1], n_rejected, tries, np.random.default_rng(seed))

    def test_proposals_are_rows_of_places(self) -> None:
        """(B, K, T) integers from 0 to below N, for any K and T."""
        for n_rejected, tries in ((4, 3), (1, 1), (7, 2)):
            found = self.proposed(self.dataset(), n_rejected=n_rejected, tries=tries)
            assert found.shape == (60, n_rejected, tries)
            assert np.issubdtype(found.dtype, np.integer)
            assert ((found >= 0) & (found < 80)).all()

    def test_one_chosen_place_is_enough(self) -> None:
        """A batch of one, again and again, by one fitted object."""
        places = self.make()
        places.fit(self.dataset(), self.pairs())
        for row in (0, 41):
            assert places.propose(np.array([row]), 2, 3, np.random.default_rng(0)).shape == (1, 2, 3)

    def test_proposals_vary(self) -> None:
        """A sampler that always proposes one and the same place cannot get past a forbidden one."""
        found = self.proposed(self.dataset(), n_rejected=4, tries=8)
        assert len(np.unique(found)) > 2

    def test_the_generator_decides(self) -> None:
        """All randomness comes from it: the same gives the same proposals, another one others."""
        dataset = self.dataset()
        first, again, other = (self.proposed(dataset, seed) for seed in (0, 0, 1))
        assert np.array_equal(first, again)
        assert not np.array_equal(first, other)

    def test_only_the_training_split_is_used(self) -> None:
        """Without validation and test check-ins the proposals are the same."""
        dataset = self.dataset()
        train = Interactions(dataset.interactions.of_split("train").reset_index(drop=True))
        blind = Dataset(dataset.items, train, dataset.report)
        assert np.array_equal(self.proposed(dataset), self.proposed(blind))
