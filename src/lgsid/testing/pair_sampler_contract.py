"""Contract tests of preference-pair samplers, to inherit in the tests of other packages."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
import torch

from lgsid.alignment.pair_sampler import PairSampler
from lgsid.artefacts import Dataset, Interactions
from lgsid.testing.part_contract import PartContract
from lgsid.testing.toy_city import toy_city
from lgsid.typing import PreferenceBatch

FIELDS = ("anchor", "chosen", "rejected")


class PairSamplerContract(PartContract):
    """Contract tests of a preference-pair sampler.

    Derive a class whose name starts with `Test` and give it `make`; override `dataset` if a toy city does not suit.
    """

    base = PairSampler
    n_pairs = 50

    @abstractmethod
    def make(self) -> PairSampler:
        """Return a sampler, not yet fitted, that finds pairs in `dataset`."""

    def dataset(self) -> Dataset:
        """Return the data to sample from."""
        return toy_city(n_items=150, n_users=20, n_checkins=2000)

    def draw(self, dataset: Dataset, seed: int = 0, n_rejected: int = 3) -> PreferenceBatch:
        """Return pairs of a newly fitted sampler."""
        sampler = self.make()
        sampler.fit(dataset)
        return sampler.draw(self.n_pairs, n_rejected, np.random.default_rng(seed))

    def test_pairs_have_their_shapes_and_three_different_roles(self) -> None:
        """Rows exist, and anchor, chosen and rejected are different places."""
        dataset = self.dataset()
        for n_rejected in (1, 3):
            batch = self.draw(dataset, n_rejected=n_rejected)
            assert batch.anchor.shape == batch.chosen.shape == (self.n_pairs,)
            assert batch.rejected.shape == (self.n_pairs, n_rejected)
            for rows in (batch.anchor, batch.chosen, batch.rejected):
                assert rows.dtype == torch.int64
                assert bool(((rows >= 0) & (rows < len(dataset.items))).all())
            assert bool((batch.anchor != batch.chosen).all())
            assert bool((batch.anchor[:, None] != batch.rejected).all())
            assert bool((batch.chosen[:, None] != batch.rejected).all())

    def test_anchors_are_counted(self) -> None:
        """`n_anchors` bounds the number of different anchors."""
        dataset = self.dataset()
        sampler = self.make()
        sampler.fit(dataset)
        assert 0 < len(set(self.draw(dataset).anchor.tolist())) <= sampler.n_anchors <= len(dataset.items)

    def test_no_positive_is_rejected(self) -> None:
        """A place that could be chosen for an anchor is never rejected for it."""
        dataset = self.dataset()
        sampler = self.make()
        sampler.fit(dataset)
        batch = self.draw(dataset)
        anchor, rejected = batch.anchor.numpy(), batch.rejected.numpy()
        found = sampler.is_positive(anchor[:, None], rejected)
        assert found.shape == rejected.shape
        assert found.dtype == bool
        assert not found.any()

    def test_same_generator_same_pairs(self) -> None:
        """All randomness comes from the generator."""
        dataset = self.dataset()
        first, again, other = self.draw(dataset, 0), self.draw(dataset, 0), self.draw(dataset, 1)
        assert all(torch.equal(getattr(first, name), getattr(again, name)) for name in FIELDS)
        assert not all(torch.equal(getattr(first, name), getattr(other, name)) for name in FIELDS)

    def test_only_the_training_split_is_used(self) -> None:
        """Without validation and test check-ins, the pairs are the same."""
        dataset = self.dataset()
        train = Interactions(dataset.interactions.of_split("train").reset_index(drop=True))
        first, blind = self.draw(dataset), self.draw(Dataset(dataset.items, train, dataset.report))
        assert all(torch.equal(getattr(first, name), getattr(blind, name)) for name in FIELDS)
