"""Contract tests of losses that align a text encoder, to inherit in the tests of other packages."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import Any

import torch

from lgsid.alignment.alignment_loss import AlignmentLoss, EncodedPairs
from lgsid.testing.part_contract import PartContract
from lgsid.testing.relevance_contract import frozen_encoder
from lgsid.testing.toy_city import same_city


class AlignmentLossContract(PartContract):
    """Contract tests of a loss of the encoded places of a batch of preference pairs.

    Derive a class whose name starts with `Test` and give it `make`. Where the
    loss needs an encoder and data, `make` calls `prepare` with both.
    """

    base = AlignmentLoss
    dim = 8

    @abstractmethod
    def make(self) -> AlignmentLoss:
        """Return a loss for embeddings of width `dim`, prepared for places in rows 0 to 59 of a toy city."""

    @classmethod
    def made(cls, part: Any) -> Any:
        """Make it with default arguments, and prepare it with a tiny text encoder and a toy city."""
        loss = part()
        loss.prepare(frozen_encoder(), same_city(60, 12, 400))
        return loss

    def pairs(self, gained: float = 0.0) -> EncodedPairs:
        """Return 5 pairs with 3 rejected places each, over 12 places, and a policy `gained` away from the reference."""
        g = torch.Generator().manual_seed(0)
        row = torch.randperm(60, generator=g)[:12]
        reference = torch.nn.functional.normalize(torch.randn(12, self.dim, generator=g), dim=1)
        policy = reference + gained * torch.randn(12, self.dim, generator=g)
        order = torch.stack([torch.randperm(12, generator=g)[:5] for _ in range(5)])
        positive = torch.zeros(5, 5, dtype=torch.bool)
        return EncodedPairs(row, policy, reference, order[:, 0], order[:, 1:], positive)

    def test_a_loss_and_a_gain_for_each_rejected_place(self) -> None:
        """One finite number, and (B, K) finite numbers without a gradient; for one pair, too."""
        pairs = self.pairs(0.3)
        for some in (pairs, self.of_one(pairs)):
            value, gain = self.make().of(some)
            assert value.shape == ()
            assert bool(value.isfinite())
            assert gain.shape == (len(some.anchor), some.candidates.shape[1] - 1)
            assert bool(gain.isfinite().all())
            assert not gain.requires_grad

    def of_one(self, pairs: EncodedPairs) -> EncodedPairs:
        """Return the first pair alone, over all places."""
        positive = None if pairs.positive is None else pairs.positive[:1, :1]
        return replace(pairs, anchor=pairs.anchor[:1], candidates=pairs.candidates[:1], positive=positive)

    def test_a_policy_equal_to_the_reference_has_gained_nothing_but_has_a_gradient(self) -> None:
        """The first step of a training must move something."""
        pairs = self.pairs()
        policy = pairs.policy.clone().requires_grad_()
        value, gain = self.make().of(replace(pairs, policy=policy))
        assert float(gain.abs().max()) < 1e-5
        (gradient,) = torch.autograd.grad(value, policy)
        assert bool(gradient.isfinite().all())
        assert float(gradient.abs().max()) > 0

    def test_a_step_down_the_gradient_lowers_the_loss(self) -> None:
        """The gradient is that of the loss."""
        pairs, loss = self.pairs(0.3), self.make()
        policy = pairs.policy.clone().requires_grad_()
        value, _ = loss.of(replace(pairs, policy=policy))
        (gradient,) = torch.autograd.grad(value, policy)
        lower, _ = loss.of(replace(pairs, policy=policy.detach() - 1e-3 * gradient / gradient.norm()))
        assert float(lower) < float(value.detach())

    def test_the_reference_gets_no_gradient(self) -> None:
        """Only the policy learns."""
        pairs = self.pairs(0.3)
        policy, reference = pairs.policy.clone().requires_grad_(), pairs.reference.clone().requires_grad_()
        value, _ = self.make().of(replace(pairs, policy=policy, reference=reference))
        value.backward()  # type: ignore[no-untyped-call]
        assert policy.grad is not None
        assert reference.grad is None

    def test_the_order_of_pairs_and_of_places_is_irrelevant(self) -> None:
        """Pairs in another order, over places in another order, have the same loss, and their gains in that order."""
        pairs, loss = self.pairs(0.3), self.make()
        value, gain = loss.of(pairs)
        order, places = torch.tensor([3, 0, 4, 2, 1]), torch.randperm(12, generator=torch.Generator().manual_seed(2))
        at = places.argsort()
        moved = EncodedPairs(
            pairs.row[places],
            pairs.policy[places],
            pairs.reference[places],
            at[pairs.anchor[order]],
            at[pairs.candidates[order]],
            None if pairs.positive is None else pairs.positive[order][:, order],
        )
        other, gains = loss.of(moved)
        torch.testing.assert_close(other, value)
        torch.testing.assert_close(gains, gain[order])
