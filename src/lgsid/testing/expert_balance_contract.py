"""Contract tests of what keeps experts equally busy, to inherit in the tests of other packages."""

from __future__ import annotations

from abc import abstractmethod
from copy import deepcopy

import torch
from torch import Tensor

from lgsid.recommenders.generative.onerec.expert_balance import ExpertBalance
from lgsid.testing.part_contract import PartContract, through_a_file

N_EXPERTS, N_ACTIVE, N_TOKENS = 4, 2, 200
STEPS = 60


class ExpertBalanceContract(PartContract):
    """Contract tests of the balance of experts.

    Derive a class whose name starts with `Test` and give it `make`.
    """

    base = ExpertBalance

    @abstractmethod
    def make(self) -> ExpertBalance:
        """Return a new balance, not built yet."""

    def built(self) -> ExpertBalance:
        """Return a new balance of 4 experts."""
        balance = self.make()
        balance.build(N_EXPERTS)
        return balance

    def logits(self) -> Tensor:
        """Return the logits of 200 tokens, (M, E); most of them are nearest to the first expert."""
        logits = 0.1 * torch.randn(N_TOKENS, N_EXPERTS, generator=torch.Generator().manual_seed(0))
        logits[:, 0] += 0.1
        return logits

    def shares(self, balance: ExpertBalance, affinity: Tensor) -> Tensor:
        """Return the share of all choices that falls on each expert, shape (E,)."""
        chosen = balance.preference(affinity.detach()).topk(N_ACTIVE, dim=1).indices
        return torch.bincount(chosen.flatten(), minlength=N_EXPERTS) / chosen.numel()

    def trained(self, balance: ExpertBalance) -> tuple[Tensor, Tensor]:
        """Train what all tokens think of each expert, as `OneRec` does; return the first and the last shares, (E,)."""
        logits, liked = self.logits(), torch.zeros(N_EXPERTS, requires_grad=True)
        first = share = self.shares(balance, logits.softmax(1))
        for _ in range(STEPS):
            affinity = (logits + liked).softmax(1)
            loss = balance.loss(affinity, share)
            if loss.requires_grad:
                (gradient,) = torch.autograd.grad(loss, liked)
                assert bool(gradient.isfinite().all())
                liked = (liked - gradient).detach().requires_grad_()
            balance.update(share)
            share = self.shares(balance, (logits + liked).softmax(1))
        return first, share

    def test_there_is_a_finite_preference_of_each_token_for_each_expert(self) -> None:
        """(M, E), also of no tokens; the affinities stay as they are."""
        affinity = self.logits().softmax(1)
        given = affinity.clone()
        for part in (affinity, affinity[:1], affinity[:0]):
            found = self.built().preference(part)
            assert found.shape == part.shape
            assert bool(found.isfinite().all())
        assert torch.equal(affinity, given)

    def test_a_token_alone_prefers_what_it_prefers_among_others(self) -> None:
        """Tokens do not know each other, and the same ones prefer the same again."""
        affinity, balance = self.logits().softmax(1), self.built()
        self.trained(balance)
        found = balance.preference(affinity)
        for token in range(0, N_TOKENS, 23):
            torch.testing.assert_close(balance.preference(affinity[token : token + 1])[0], found[token])
        assert torch.equal(balance.preference(affinity), found)

    def test_a_new_one_knows_no_expert(self) -> None:
        """Experts in another order are preferred in that order."""
        affinity, order = self.logits().softmax(1), torch.tensor([2, 0, 3, 1])
        torch.testing.assert_close(
            self.built().preference(affinity[:, order]), self.built().preference(affinity)[:, order]
        )

    def test_its_loss_is_one_finite_number_and_lowest_where_experts_are_equally_busy(self) -> None:
        """Also where all choices fall on one of them."""
        even, all_on_one = torch.full((30, N_EXPERTS), 1 / N_EXPERTS), torch.eye(N_EXPERTS)[:1].expand(30, -1)
        values = []
        for affinity in (even, self.logits().mul(20).softmax(1), all_on_one):
            value = self.built().loss(affinity, affinity.mean(0))
            assert value.shape == ()
            assert bool(value.isfinite())
            values.append(float(value))
        assert values[0] == min(values)

    def test_training_makes_experts_more_equally_busy(self) -> None:
        """By the gradient of its loss, or by what it learns of the shares: the busiest expert gets less to do."""
        first, last = self.trained(self.built())
        assert float(first.max()) > 1.2 / N_EXPERTS
        assert float(last.max()) < float(first.max()) - 0.01

    def test_layers_do_not_share_what_they_learn(self) -> None:
        """A copy of a balance learns for itself: each layer has one."""
        affinity, balance = self.logits().softmax(1), self.make()
        copy = deepcopy(balance)
        for part in (balance, copy):
            part.build(N_EXPERTS)
        before = balance.preference(affinity)
        self.trained(copy)
        assert torch.equal(balance.preference(affinity), before)

    def test_state_travels_in_the_state_dict(self) -> None:
        """Whatever it has learned, through a file that is loaded with `weights_only`."""
        affinity, balance, copy = self.logits().softmax(1), self.built(), self.built()
        self.trained(balance)
        copy.load_state_dict(through_a_file(balance.state_dict()))
        assert torch.equal(copy.preference(affinity), balance.preference(affinity))
