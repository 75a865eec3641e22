"""Contract tests of what draws negatives of the click-through task, to inherit in the tests of other packages."""

from __future__ import annotations

import json
from abc import abstractmethod

import numpy as np

from lgsid.artefacts import Dataset, Items
from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.construction import rebuild
from lgsid.datamodules.ctr_candidates import CTRCandidates
from lgsid.datamodules.negatives import NegativeSampler
from lgsid.testing.part_contract import PartContract
from lgsid.testing.toy_city import toy_city


class NegativeSamplerContract(PartContract):
    """Contract tests of a sampler of negatives.

    Derive a class whose name starts with `Test` and give it `make`.
    """

    base = NegativeSampler

    @abstractmethod
    def make(self) -> NegativeSampler:
        """Return a new sampler."""

    def dataset(self) -> Dataset:
        """Return the data to sample from."""
        return toy_city()

    def test_negatives_are_places_that_the_user_did_not_go_to_then(self) -> None:
        """Shapes, types and rows are right, no negative is the positive, near ones have a last place."""
        dataset, sampler = self.dataset(), self.make()
        log = CheckInLog.of(dataset)
        negative, near = sampler.draw(log, dataset.items, np.random.default_rng(0))
        assert negative.shape == near.shape == (len(log), sampler.n_near + sampler.n_any)
        assert negative.dtype == np.int64
        assert near.dtype == bool
        assert ((negative >= 0) & (negative < len(dataset.items))).all()
        assert (negative != log.item[:, None]).all()
        assert not near[log.n_before == 0].any()
        assert not near[:, sampler.n_near :].any()

    def test_the_generator_decides(self) -> None:
        """The same generator gives the same negatives, another one others."""
        dataset = self.dataset()
        log = CheckInLog.of(dataset)
        first, again, other = (self.make().draw(log, dataset.items, np.random.default_rng(s)) for s in (0, 0, 1))
        assert all(np.array_equal(one, two) for one, two in zip(first, again, strict=True))
        assert not np.array_equal(first[0], other[0])

    def test_two_places_are_enough(self) -> None:
        """With two places the negative is the other one."""
        dataset = self.dataset()
        log, two = CheckInLog.of(dataset), Items(dataset.items.frame.iloc[:2].reset_index(drop=True))
        some = CheckInLog(log.user, log.item % 2, log.time_s, log.hour, log.weekday, log.split)
        negative, _ = self.make().draw(some, two, np.random.default_rng(0))
        assert (negative == 1 - some.item[:, None]).all()

    def test_a_file_says_how_to_draw_the_same(self) -> None:
        """What is stored beside negatives is plain, and builds a sampler that draws them again."""
        dataset, sampler = self.dataset(), self.make()
        log = CheckInLog.of(dataset)
        drawn = CTRCandidates.draw(log, dataset.items, sampler, seed=4)
        kept = json.loads(json.dumps(drawn.drawn_with()))
        again = CTRCandidates.draw(log, dataset.items, rebuild(kept["sampler"]), kept["seed"])
        assert again.drawn_with() == kept
        assert np.array_equal(again.negative, drawn.negative)
