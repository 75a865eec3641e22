"""Contract tests of losses of the reward model, to inherit in the tests of other packages."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from lgsid.rewards.reward_losses import RewardLoss
from lgsid.testing.part_contract import PartContract, through_a_file


class RewardLossContract(PartContract):
    """Contract tests of a loss over lists of candidates.

    Derive a class whose name starts with `Test` and give it `make`.
    """

    base = RewardLoss
    learns_order = True
    """Whether descending it puts a list in the order of its labels."""

    @abstractmethod
    def make(self) -> RewardLoss:
        """Return a new loss."""

    def lists(self) -> tuple[Tensor, Tensor]:
        """Return logits and labels of 6 lists of 5 candidates, the own location first, (B, C) each."""
        g = torch.Generator().manual_seed(0)
        label = torch.stack([torch.randperm(4, generator=g).float() + 1.0 for _ in range(6)])
        return torch.randn(6, 5, generator=g), torch.cat([torch.full((6, 1), 5.0), label], 1)

    def test_it_is_one_finite_number(self) -> None:
        """Also for a single list, and for logits that are far out."""
        scores, label = self.lists()
        for given in ((scores, label), (scores[:1], label[:1]), (30 * scores, label)):
            value = self.make()(*given)
            assert value.shape == ()
            assert bool(value.isfinite())

    def test_it_is_a_mean_over_lists(self) -> None:
        """The loss of a batch is the mean of the losses of its lists, in whatever order."""
        scores, label = self.lists()
        loss, order = self.make(), torch.tensor([3, 1, 5, 0, 2, 4])
        whole = loss(scores, label)
        alone = torch.stack([loss(scores[row : row + 1], label[row : row + 1]) for row in range(6)])
        torch.testing.assert_close(whole, alone.mean())
        torch.testing.assert_close(loss(scores[order], label[order]), whole)

    def test_the_order_of_the_other_candidates_is_irrelevant(self) -> None:
        """Column 0 is the own location; the others may stand in any order."""
        scores, label = self.lists()
        order = torch.tensor([0, 3, 1, 4, 2])
        torch.testing.assert_close(self.make()(scores[:, order], label[:, order]), self.make()(scores, label))

    def test_scores_get_a_gradient_that_puts_the_best_first(self) -> None:
        """Descending it from equal scores raises the best candidate of each list above the worst one."""
        _, label = self.lists()
        scores = torch.zeros(6, 5, requires_grad=True)
        loss = self.make()
        for _ in range(60):
            (gradient,) = torch.autograd.grad(loss(scores, label), scores)
            assert bool(gradient.isfinite().all())
            scores = (scores - 2.0 * gradient).detach().requires_grad_()
        assert bool((scores[:, 0] > scores.gather(1, label.argmin(1, keepdim=True))[:, 0]).all())
        if self.learns_order:
            assert torch.equal(scores.argsort(1), label.argsort(1))

    def test_bfloat16(self) -> None:
        """Logits in half precision give nearly the same number."""
        scores, label = self.lists()
        found = self.make()(scores.bfloat16(), label)
        torch.testing.assert_close(found.float(), self.make()(scores, label), atol=0.05, rtol=0.05)

    def test_state_travels_in_the_state_dict(self) -> None:
        """Whatever it holds, through a file that is loaded with `weights_only`."""
        scores, label = self.lists()
        loss, copy = self.make(), self.make()
        copy.load_state_dict(through_a_file(loss.state_dict()))
        assert torch.equal(copy(scores, label), loss(scores, label))
