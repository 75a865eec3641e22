"""Contract tests of preference losses, to inherit in the tests of other packages."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from lgsid.alignment.preference_losses import PreferenceLoss
from lgsid.testing.part_contract import PartContract


class PreferenceLossContract(PartContract):
    """Contract tests of a preference loss.

    Derive a class whose name starts with `Test` and give it `make`.
    """

    base = PreferenceLoss
    dim = 8

    @abstractmethod
    def make(self) -> PreferenceLoss:
        """Return a loss for embeddings of width `dim`, prepared."""

    def vectors(self, seed: int, n_rejected: int = 3) -> tuple[Tensor, Tensor]:
        """Return embeddings of 5 anchors and of their candidates."""
        generator = torch.Generator().manual_seed(seed)
        candidates = torch.randn(5, 1 + n_rejected, self.dim, generator=generator)
        return torch.randn(5, self.dim, generator=generator), candidates

    def test_a_policy_equal_to_the_reference_has_gained_nothing_but_has_a_gradient(self) -> None:
        """The first step of a training must move something."""
        anchor, candidates = self.vectors(0)
        policy = candidates.clone().requires_grad_()
        value, gain = self.make()(anchor, policy, anchor, candidates)
        assert value.shape == ()
        assert gain.shape == (5, 3)
        assert float(gain.abs().max()) < 1e-5
        value.backward()
        assert policy.grad is not None
        assert float(policy.grad.abs().max()) > 0

    def test_a_step_down_the_gradient_raises_the_gain(self) -> None:
        """Descending the loss widens the margin of chosen over rejected."""
        anchor, candidates = self.vectors(0)
        loss = self.make()
        policy = candidates.clone().requires_grad_()
        value, _ = loss(anchor, policy, anchor, candidates)
        value.backward()
        assert policy.grad is not None
        step = 1e-2 * policy.grad / policy.grad.norm()
        lower, gain = loss(anchor, policy.detach() - step, anchor, candidates)
        assert float(lower.detach()) < float(value.detach())
        assert float(gain.mean()) > 0

    def test_the_reference_gets_no_gradient(self) -> None:
        """Only the policy learns."""
        anchor, candidates = self.vectors(0)
        reference = [vectors.requires_grad_() for vectors in self.vectors(1)]
        value, gain = self.make()(anchor.requires_grad_(), candidates.requires_grad_(), *reference)
        value.backward()
        assert not gain.requires_grad
        assert all(vectors.grad is None for vectors in reference)

    def test_the_loss_is_a_mean_over_pairs(self) -> None:
        """A batch in which no pair may reject the places of another has the mean of the losses of its pairs alone."""
        policy, reference, loss = self.vectors(0), self.vectors(1), self.make()
        together, _ = loss(*policy, *reference, torch.ones(5, 5, dtype=torch.bool))
        alone = [loss(*(v[b : b + 1] for v in (*policy, *reference)))[0] for b in range(5)]
        torch.testing.assert_close(together, torch.stack(alone).mean())

    def test_the_order_of_pairs_is_irrelevant(self) -> None:
        """A batch in another order has the same loss, and its gains in that order."""
        policy, reference, loss = self.vectors(0), self.vectors(1), self.make()
        positive = torch.rand(5, 5, generator=torch.Generator().manual_seed(0)) < 0.3
        order = torch.tensor([3, 0, 4, 2, 1])
        value, gain = loss(*policy, *reference, positive)
        other, moved = loss(*(v[order] for v in (*policy, *reference)), positive[order][:, order])
        torch.testing.assert_close(other, value)
        torch.testing.assert_close(moved, gain[order])
