"""Contract tests of losses of lists, to inherit in the tests of other packages."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from lgsid.recommenders.generative.onerec.list_losses import ListLoss


class ListLossContract(ABC):
    """Contract tests of a `ListLoss`. Derive a class whose name starts with `Test` and give it `make`."""

    @abstractmethod
    def make(self) -> ListLoss:
        """Return the loss."""

    def slopes(self, reward: Tensor, listed: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss where policy and reference are equal, and its gradient by log-probabilities, (B, G)."""
        loss, generator = self.make(), torch.Generator().manual_seed(1)
        reference = -5 * torch.rand(reward.shape, generator=generator)
        log_prob = reference.clone().requires_grad_()
        at = loss.chosen(reward, listed)
        value: Tensor = loss(*(x.gather(1, at) for x in (log_prob, reference, reward, listed)))
        value.backward()  # type: ignore[no-untyped-call]
        assert log_prob.grad is not None
        return value.detach(), log_prob.grad

    def test_the_best_list_rises_and_the_worst_falls(self) -> None:
        """A step down the gradient moves probability from the worst list of each query to its best."""
        reward = torch.rand(6, 5, generator=torch.Generator().manual_seed(0))
        value, slope = self.slopes(reward, torch.ones_like(reward, dtype=torch.bool))
        assert value.shape == ()
        assert bool((slope.gather(1, reward.argmax(1, keepdim=True)) < 0).all())
        assert bool((slope.gather(1, reward.argmin(1, keepdim=True)) > 0).all())

    def test_lists_that_are_not_there_do_not_count(self) -> None:
        """However high their reward is said to be."""
        reward = torch.rand(6, 5, generator=torch.Generator().manual_seed(0))
        listed = torch.rand(6, 5, generator=torch.Generator().manual_seed(2)) < 0.6
        listed[0] = False
        value, slope = self.slopes(reward.masked_fill(~listed, 9.0), listed)
        assert bool(value.isfinite())
        assert not bool(slope[~listed].any())
        assert torch.equal(slope, self.slopes(reward.masked_fill(~listed, -9.0), listed)[1])

    def test_equal_rewards_say_nothing(self) -> None:
        """Where all lists of a query are as good, nothing moves."""
        reward = torch.full((3, 4), 0.7)
        value, slope = self.slopes(reward, torch.ones_like(reward, dtype=torch.bool))
        assert bool(value.isfinite())
        assert not bool(slope.any())

    def test_only_the_differences_of_rewards_count(self) -> None:
        """A constant added to all rewards of a query changes nothing."""
        reward = torch.rand(6, 5, generator=torch.Generator().manual_seed(0))
        there = torch.ones_like(reward, dtype=torch.bool)
        assert torch.allclose(self.slopes(reward, there)[1], self.slopes(reward + 2, there)[1], atol=1e-5)
