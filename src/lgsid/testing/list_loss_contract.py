"""Contract tests of losses that rewards of lists give, to inherit in the tests of other packages."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from lgsid.recommenders.generative.onerec.list_losses import ListLoss
from lgsid.testing.part_contract import PartContract, through_a_file

Lists = tuple[Tensor, Tensor, Tensor, Tensor]


class ListLossContract(PartContract):
    """Contract tests of a loss over the lists of a generator.

    Derive a class whose name starts with `Test` and give it `make`.
    """

    base = ListLoss

    @abstractmethod
    def make(self) -> ListLoss:
        """Return a new loss, with the same arguments every time."""

    def lists(self) -> Lists:
        """Return log-probabilities under policy and reference, rewards, and what is there, (6, 4) each.

        The policy is near the reference. All rewards of a query differ; two of the lists are not there.
        """
        generator = torch.Generator().manual_seed(0)
        reference = -5.0 - 3.0 * torch.rand(6, 4, generator=generator)
        policy = reference + 0.05 * torch.randn(6, 4, generator=generator)
        reward = torch.stack([torch.randperm(4, generator=generator) for _ in range(6)]) / 3.0
        listed = torch.ones(6, 4, dtype=torch.bool)
        listed[1, 3] = listed[4, 0] = False
        return policy, reference, reward, listed

    def value(self, loss: ListLoss, log_prob: Tensor, reference: Tensor, reward: Tensor, listed: Tensor) -> Tensor:
        """Return the loss of all lists as `ListAligner` asks for it: of those that it chooses."""
        at = loss.chosen(reward, listed)
        found: Tensor = loss(*(values.gather(1, at) for values in (log_prob, reference, reward, listed)))
        return found

    def gradient(self, log_prob: Tensor, reference: Tensor, reward: Tensor, listed: Tensor) -> Tensor:
        """Return the gradient of the loss by the log-probabilities of the policy, shape (B, G)."""
        policy = log_prob.clone().requires_grad_()
        (found,) = torch.autograd.grad(self.value(self.make(), policy, reference, reward, listed), policy)
        return found

    def test_it_chooses_lists_by_their_position(self) -> None:
        """As many of each query, within 0..G, int64; some that are there."""
        _, _, reward, listed = self.lists()
        at = self.make().chosen(reward, listed)
        assert at.dtype == torch.int64
        assert at.shape[0] == len(reward)
        assert bool(((at >= 0) & (at < reward.shape[1])).all())
        assert bool(listed.gather(1, at).any(1).all())

    def test_it_is_one_finite_number(self) -> None:
        """Also where the policy is far from the reference, where all rewards are equal, and where no list is there."""
        policy, reference, reward, listed = self.lists()
        far = policy + 40.0 * torch.randn(6, 4, generator=torch.Generator().manual_seed(1))
        for given in (
            (policy, reference, reward, listed),
            (far, reference, reward, listed),
            (policy, reference, torch.ones_like(reward), listed),
            (policy, reference, reward, torch.zeros_like(listed)),
            (policy[:1], reference[:1], reward[:1], listed[:1]),
        ):
            value = self.value(self.make(), *given)
            assert value.shape == ()
            assert bool(value.isfinite())
            assert bool(self.gradient(*given).isfinite().all())

    def test_at_the_reference_the_best_list_gains_and_the_worst_one_loses(self) -> None:
        """Of each query, by the sign of the gradient: the first step of a stage moves towards the reward."""
        _, reference, reward, listed = self.lists()
        gradient = self.gradient(reference, reference, reward, listed)
        best = reward.masked_fill(~listed, -torch.inf).argmax(1, keepdim=True)
        worst = reward.masked_fill(~listed, torch.inf).argmin(1, keepdim=True)
        assert bool((gradient.gather(1, best) < 0).all())
        assert bool((gradient.gather(1, worst) > 0).all())

    def test_equal_rewards_move_nothing_at_the_reference(self) -> None:
        """Where no list is better than another, there is nothing to learn."""
        _, reference, reward, listed = self.lists()
        assert float(self.gradient(reference, reference, torch.ones_like(reward), listed).abs().max()) < 1e-6

    def test_a_step_down_its_gradient_lowers_it(self) -> None:
        """A small one."""
        policy, reference, reward, listed = self.lists()
        before = self.value(self.make(), policy, reference, reward, listed)
        gradient = self.gradient(policy, reference, reward, listed)
        step = policy - 1e-2 * gradient / gradient.norm()
        assert float(self.value(self.make(), step, reference, reward, listed)) < float(before)

    def test_lists_that_are_not_there_are_of_no_account(self) -> None:
        """Whatever their rewards and probabilities: the loss stays, and they get no gradient."""
        policy, reference, reward, listed = self.lists()
        other, far, high = (
            values.masked_fill(~listed, x) for values, x in ((policy, -3), (reference, -9), (reward, 7))
        )
        torch.testing.assert_close(
            self.value(self.make(), other, far, high, listed),
            self.value(self.make(), policy, reference, reward, listed),
        )
        assert not bool(self.gradient(policy, reference, reward, listed)[~listed].any())

    def test_only_the_differences_of_rewards_count(self) -> None:
        """A constant added to all rewards of a query changes nothing."""
        policy, reference, reward, listed = self.lists()
        higher = self.gradient(policy, reference, reward + 2.0, listed)
        torch.testing.assert_close(higher, self.gradient(policy, reference, reward, listed), rtol=1e-4, atol=1e-5)

    def test_the_order_of_queries_and_lists_is_irrelevant(self) -> None:
        """Of lists with different rewards; and the same ones again give the same number."""
        given = self.lists()
        first = self.value(self.make(), *given)
        rows, columns = torch.tensor([3, 1, 5, 0, 2, 4]), torch.tensor([2, 0, 3, 1])
        torch.testing.assert_close(self.value(self.make(), *(values[rows] for values in given)), first)
        torch.testing.assert_close(self.value(self.make(), *(values[:, columns] for values in given)), first)
        assert torch.equal(self.value(self.make(), *given), first)

    def test_state_travels_in_the_state_dict(self) -> None:
        """Whatever it holds, through a file that is loaded with `weights_only`."""
        loss, copy = self.make(), self.make()
        copy.load_state_dict(through_a_file(loss.state_dict()))
        assert torch.equal(self.value(copy, *self.lists()), self.value(loss, *self.lists()))
