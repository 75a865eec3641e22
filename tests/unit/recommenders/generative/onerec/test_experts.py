"""Sparse experts: a dense loop, equal gates, balance; the compressed past: padding, and nothing at all."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from lgsid.errors import LgsidError
from lgsid.recommenders.generative import BalanceLoss, LongHistory, LossFreeBalance
from lgsid.recommenders.generative.onerec.expert_layer import ExpertLayer

D, F = 6, 10


def layer(n_experts=5, n_active=2, balance=None, seed=0):
    torch.manual_seed(seed)
    return ExpertLayer(nn.LayerNorm(D), D, F, 0.0, n_experts, n_active, balance or LossFreeBalance()).eval()


def by_loop(experts, x):
    """The layer with one token and one expert at a time."""
    normed = experts.norm(x).detach().double().numpy()
    gate, inner, outer = (p.detach().double().numpy() for p in (experts.gate, experts.inner, experts.outer))
    bias = experts.balance.bias.double().numpy() if isinstance(experts.balance, LossFreeBalance) else 0
    out = x.detach().double().numpy().copy()
    for at in np.ndindex(x.shape[:-1]):
        affinity = np.exp(gate @ normed[at])
        affinity /= affinity.sum()
        for expert in np.argsort(-(affinity + bias))[: experts.n_active]:
            out[at] += affinity[expert] * (np.maximum(normed[at] @ inner[expert], 0) @ outer[expert])
    return out


@pytest.mark.parametrize("n_active", [1, 2, 5])
@pytest.mark.parametrize("shape", [(4, 3, D), (7, D), (1, D)])
def test_the_output_is_that_of_a_loop_over_experts(n_active, shape):
    experts = layer(n_active=n_active)
    experts.balance.bias.copy_(torch.tensor([0.3, -0.2, 0.0, 0.1, -0.3]))
    x = torch.randn(shape, generator=torch.Generator().manual_seed(3))
    assert np.allclose(experts(x).detach().numpy(), by_loop(experts, x), atol=1e-5)


def test_equal_gates_of_all_experts_average_them():
    experts = layer(n_active=5)
    nn.init.zeros_(experts.gate)
    x = torch.randn(9, D)
    each = torch.stack([torch.relu(experts.norm(x) @ i) @ o for i, o in zip(experts.inner, experts.outer, strict=True)])
    assert torch.allclose(experts(x), x + each.mean(0), atol=1e-6)


def test_a_token_does_not_depend_on_others_and_none_is_dropped():
    experts = layer(n_active=1)
    x = torch.randn(40, D)
    crowd = x.clone()
    crowd[1:] = x[0]  # all want one expert
    assert torch.allclose(experts(crowd)[0], experts(x)[0], atol=1e-6)
    assert torch.allclose(experts(crowd), experts(x)[:1].expand(40, -1), atol=1e-6)


def test_the_bias_counts_in_the_choice_alone_and_moves_towards_uniform():
    experts = layer(n_experts=4, n_active=1, balance=LossFreeBalance(0.01), seed=1).train()
    x = torch.randn(400, D, generator=torch.Generator().manual_seed(2)) + torch.linspace(-1, 1, D)
    deviations = []
    for _ in range(150):
        experts(x)
        deviations.append((experts.chosen / experts.chosen.sum() - 0.25).abs().max().item())
        before, share = experts.balance.bias.clone(), experts.chosen / experts.chosen.sum()
        experts.rebalance()
        assert torch.allclose(experts.balance.bias - before, 0.01 * torch.sign(0.25 - share))
    assert deviations[0] > 0.2
    assert max(deviations[-20:]) < deviations[0] / 4
    assert not experts.chosen.any()
    assert experts.take_loss() == 0
    busy = experts.balance.bias.clone()
    experts.rebalance()  # nothing was chosen since
    assert torch.equal(experts.balance.bias, busy)


def test_evaluation_counts_nothing():
    experts = layer()
    experts(torch.randn(5, D))
    assert not experts.chosen.any()


def test_the_balance_loss_is_least_where_experts_are_equally_busy():
    loss = BalanceLoss(0.3)
    uniform, share = torch.full((8, 4), 0.25), torch.full((4,), 0.25)
    assert loss.loss(uniform, share).item() == pytest.approx(0.3)
    affinity = torch.rand(50, 4, generator=torch.Generator().manual_seed(0)).softmax(1)
    share = torch.bincount(affinity.argmax(1), minlength=4) / 50
    expected = 0.3 * 4 * sum(float(share[e]) * float(affinity[:, e].mean()) for e in range(4))
    affinity.requires_grad_()
    assert loss.loss(affinity, share).item() == pytest.approx(expected)
    loss.loss(affinity, share).backward()
    assert torch.allclose(affinity.grad, (0.3 * 4 / 50 * share).expand(50, 4))


def test_training_on_the_balance_loss_evens_the_experts_out():
    experts = layer(n_experts=4, n_active=1, balance=BalanceLoss(1.0), seed=1).train()
    x = torch.randn(400, D, generator=torch.Generator().manual_seed(2)) + 2 * torch.randn(D)
    optimizer, losses = torch.optim.Adam([experts.gate], lr=0.05), []
    for _ in range(60):
        experts(x)
        loss = experts.take_loss()
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < 1.1 < losses[0]
    copy.deepcopy(experts)  # no graph is held


def test_numbers_out_of_range_are_refused():
    for n_active in (0, 6):
        with pytest.raises(LgsidError, match="at most n_experts 5"):
            layer(n_active=n_active)
    with pytest.raises(LgsidError, match="rate must be at least 0"):
        LossFreeBalance(-1.0)
    with pytest.raises(LgsidError, match="n_tokens must be at least 1, not 0"):
        LongHistory(0)
    with pytest.raises(LgsidError, match="n_heads 4 does not divide the width 6"):
        LongHistory().build(6)


def test_the_past_is_compressed_whatever_the_padding():
    torch.manual_seed(0)
    past = LongHistory(3, 2, 2)
    past.build(8)
    events, known = torch.randn(2, 5, 8), torch.ones(2, 5, dtype=torch.bool)
    tokens, real = past(events, known)
    assert tokens.shape == (2, 3, 8)
    assert bool(real.all())
    padded = torch.cat([torch.full((2, 4, 8), 7.0), events], 1)
    again, _ = past(padded, torch.cat([torch.zeros(2, 4, dtype=torch.bool), known], 1))
    assert torch.allclose(again, tokens, atol=1e-6)
    assert torch.allclose(past(events.flip(1), known)[0], tokens, atol=1e-6)  # a set: time is in the events
    assert not torch.allclose(past(torch.randn(2, 5, 8), known)[0], tokens, atol=1e-2)
    for nothing, none in ((events[:, :0], known[:, :0]), (events, ~known)):
        empty, real = past(nothing, none)
        assert not bool(real.any())
        assert bool(empty.isfinite().all())
