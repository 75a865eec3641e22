"""Contract tests of rewards of lists, to inherit in the tests of other packages."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from lgsid.artefacts.sequence_batch import sequence_batch
from lgsid.datamodules.sequence_data import SequenceData
from lgsid.recommenders.catalogue import Catalogue
from lgsid.recommenders.generative.onerec.list_rewards import ListReward
from lgsid.testing.part_contract import PartContract, through_a_file
from lgsid.testing.toy_city import toy_city
from lgsid.typing import SequenceBatch

N_LISTS, LENGTH = 3, 4


class ListRewardContract(PartContract):
    """Contract tests of a reward of lists of places.

    Derive a class whose name starts with `Test` and give it `make`.
    """

    base = ListReward
    bad_arguments = ({"weight": float("nan")}, {"weight": float("inf")})

    @abstractmethod
    def make(self) -> ListReward:
        """Return a new reward, for the places of `toy_city()`."""

    def asked(self) -> tuple[Tensor, SequenceBatch, Catalogue]:
        """Return lists (7, 3, 4), queries and the catalogue.

        One list is empty, one short, one holds the target; nothing is known of where the user of query 2 has been.
        """
        data = SequenceData(toy_city())
        data.setup()
        catalogue = Catalogue(data.shape)
        catalogue.fill(data)
        batch = sequence_batch(data.log, data.queries("test")[:7])
        batch = replace(batch, history=batch.history.clone())
        batch.history[2] = -1
        n = len(batch) * N_LISTS
        scores = torch.rand(n, len(catalogue), generator=torch.Generator().manual_seed(0))
        lists = scores.topk(LENGTH, dim=1).indices.view(len(batch), N_LISTS, LENGTH)
        lists[0, 0, 1:] = -1
        lists[1, 2] = -1
        lists[3, 1, 1] = batch.target[3]
        return lists, batch, catalogue

    def rewarded(self, lists: Tensor, batch: SequenceBatch, catalogue: Catalogue) -> Tensor:
        """Return the rewards of a new part that has been prepared."""
        reward = self.make()
        reward.prepare(catalogue)
        found: Tensor = reward(lists, batch, catalogue)
        return found

    def test_rewards_lie_within_zero_and_one(self) -> None:
        """(B, G) float32, 0 for an empty list; also for somebody without a past."""
        lists, batch, catalogue = self.asked()
        found = self.rewarded(lists, batch, catalogue)
        assert found.shape == lists.shape[:2]
        assert found.dtype == torch.float32
        assert bool(((found >= 0) & (found <= 1 + 1e-6)).all())
        assert float(found[1, 2]) == 0

    def test_it_tells_lists_apart(self) -> None:
        """Not all have the same reward: such a one would teach nothing."""
        assert len(set(self.rewarded(*self.asked()).flatten().tolist())) > 2

    def test_a_list_alone_has_the_reward_that_it_has_among_others(self) -> None:
        """Lists do not know each other, and neither do queries."""
        lists, batch, catalogue = self.asked()
        found = self.rewarded(lists, batch, catalogue)
        for b in range(len(batch)):
            for g in range(N_LISTS):
                alone = self.rewarded(lists[b : b + 1, g : g + 1], batch.take(torch.tensor([b])), catalogue)
                torch.testing.assert_close(alone[0, 0], found[b, g], rtol=1e-4, atol=1e-5)

    def test_what_is_behind_the_end_of_a_list_is_of_no_account(self) -> None:
        """Longer padding changes nothing."""
        lists, batch, catalogue = self.asked()
        longer = self.rewarded(F.pad(lists, (0, 3), value=-1), batch, catalogue)
        torch.testing.assert_close(longer, self.rewarded(lists, batch, catalogue))

    def test_the_weight_is_left_to_the_caller(self) -> None:
        """The reward does not have it in it."""
        asked = self.asked()
        reward = self.make()
        reward.prepare(asked[2])
        reward.weight = 2.0 * reward.weight + 1.0
        assert torch.equal(reward(*asked), self.rewarded(*asked))

    def test_it_learns_nothing_and_changes_nothing(self) -> None:
        """No parameter wants a gradient, the same lists have the same rewards, and stay as they are."""
        lists, batch, catalogue = self.asked()
        given = lists.clone()
        reward = self.make()
        reward.prepare(catalogue)
        first = reward(lists, batch, catalogue)
        assert not any(parameter.requires_grad for parameter in reward.parameters())
        assert torch.equal(reward(lists, batch, catalogue), first)
        assert torch.equal(lists, given)

    def test_state_travels_in_the_state_dict(self) -> None:
        """Whatever it holds, through a file that is loaded with `weights_only`."""
        asked = self.asked()
        reward, copy = self.make(), self.make()
        for part in (reward, copy):
            part.prepare(asked[2])
        copy.load_state_dict(through_a_file(reward.state_dict()))
        assert torch.equal(copy(*asked), reward(*asked))
