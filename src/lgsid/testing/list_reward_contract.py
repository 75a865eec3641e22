"""Contract tests of rewards of lists, to inherit in the tests of other packages."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace

import torch
from torch import Tensor

from lgsid.datamodules.sequence_data import SequenceData
from lgsid.recommenders.catalogue import Catalogue
from lgsid.recommenders.generative.onerec.list_rewards import ListReward
from lgsid.testing.toy_city import toy_city


class ListRewardContract(ABC):
    """Contract tests of a `ListReward`. Derive a class whose name starts with `Test` and give it `make`."""

    @abstractmethod
    def make(self, data: SequenceData) -> ListReward:
        """Return the reward, for the places and check-ins of `data`."""

    def rewarded(self) -> tuple[ListReward, SequenceData, Catalogue]:
        """Return the reward, prepared, with a toy city."""
        data = SequenceData(toy_city())
        data.setup()
        catalogue = Catalogue(data.shape)
        catalogue.fill(data)
        reward = self.make(data)
        reward.prepare(catalogue)
        return reward, data, catalogue

    def lists(self, catalogue: Catalogue, n_queries: int) -> Tensor:
        """Return three lists of up to four places for each query; one is short, one is empty."""
        generator = torch.Generator().manual_seed(0)
        found = torch.rand(n_queries, 3, len(catalogue), generator=generator).argsort(2)[..., :4]
        found[0, 0, 2:], found[1, 2] = -1, -1
        return found

    def test_rewards_lie_between_0_and_1_and_an_empty_list_has_none(self) -> None:
        """One for each list, whatever its length."""
        reward, data, catalogue = self.rewarded()
        batch = data.batch(data.queries("test")[:8])
        found = reward(self.lists(catalogue, 8), batch, catalogue)
        assert found.shape == (8, 3)
        assert found.dtype == torch.float32
        assert bool(((found >= 0) & (found <= 1)).all())
        assert found[1, 2] == 0

    def test_a_query_alone_gets_what_it_gets_among_others(self) -> None:
        """Nothing flows between queries, nor between the lists of one."""
        reward, data, catalogue = self.rewarded()
        batch, lists = data.batch(data.queries("test")[:8]), self.lists(catalogue, 8)
        together = reward(lists, batch, catalogue)
        for b in range(8):
            alone = reward(lists[b : b + 1, 1:2], batch.take(torch.tensor([b])), catalogue)
            assert torch.allclose(alone[0, 0], together[b, 1], atol=1e-5)

    def test_what_is_behind_the_end_of_a_list_does_not_count(self) -> None:
        """Padding is no place."""
        reward, data, catalogue = self.rewarded()
        batch, lists = data.batch(data.queries("test")[:8]), self.lists(catalogue, 8)
        longer = torch.cat([lists, torch.full_like(lists[..., :2], -1)], 2)
        assert torch.allclose(reward(longer, batch, catalogue), reward(lists, batch, catalogue), atol=1e-5)

    def test_somebody_without_a_past_is_answered(self) -> None:
        """An empty history gives finite rewards."""
        reward, data, catalogue = self.rewarded()
        batch = data.batch(data.queries("test")[:8])
        batch = replace(batch, history=torch.full_like(batch.history, -1))
        assert bool(reward(self.lists(catalogue, 8), batch, catalogue).isfinite().all())
