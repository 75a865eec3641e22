"""Policy optimization: closed forms, gradients, what has none."""

import math

import numpy as np
import pytest
import torch

from lgsid.functional.policy import clipped_policy_loss, early_clipped_policy_loss, group_advantages

EPSILON, DELTA = 0.2, 0.1
MOST = 1 + EPSILON + DELTA


def test_advantages_are_centered_and_scaled_within_each_group():
    reward = torch.rand(5, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = group_advantages(reward).numpy()
    for row, expected in zip(found, reward.numpy(), strict=True):
        assert row == pytest.approx((expected - expected.mean()) / expected.std())


def test_padding_and_equal_rewards_have_no_advantage():
    reward = torch.tensor([[0.1, 0.1, 0.1, 0.1], [1.0, 3.0, 99.0, -5.0], [2.0, 7.0, 7.0, 7.0]])
    there = torch.tensor([[True] * 4, [True, True, False, False], [True, False, False, False]])
    expected = torch.tensor([[0.0] * 4, [-1.0, 1.0, 0.0, 0.0], [0.0] * 4])
    assert torch.allclose(group_advantages(reward, there), expected)


def by_hand(ratio, advantage, most=math.inf):
    """The objective with scalars, as printed."""
    ratio = min(ratio, most)
    return -min(ratio * advantage, min(max(ratio, 1 - EPSILON), 1 + EPSILON) * advantage)


@pytest.mark.parametrize("ratio", [0.01, 0.75, 0.9, 1.0, 1.15, 1.25, 1.35, 40.0])
@pytest.mark.parametrize("advantage", [-1.7, 0.0, 0.6])
def test_the_losses_are_those_of_the_papers(ratio, advantage):
    old = torch.tensor([-2.3], dtype=torch.float64)
    log_prob, given = old + math.log(ratio), torch.tensor([advantage], dtype=torch.float64)
    assert clipped_policy_loss(log_prob, old, given, EPSILON).item() == pytest.approx(by_hand(ratio, advantage))
    found = early_clipped_policy_loss(log_prob, old, given, EPSILON, DELTA).item()
    assert found == pytest.approx(by_hand(ratio, advantage, MOST))


def slope(loss, ratio, advantage, *arguments):
    """Gradient of a loss by the log-probability."""
    old = torch.tensor([-2.3], dtype=torch.float64)
    log_prob = (old + math.log(ratio)).requires_grad_()
    loss(log_prob, old, torch.tensor([advantage], dtype=torch.float64), *arguments).sum().backward()
    return log_prob.grad.item()


@pytest.mark.parametrize(("ratio", "advantage"), [(1.21, 2.0), (40.0, 2.0), (0.79, -2.0), (0.01, -2.0)])
def test_what_is_clipped_has_no_gradient(ratio, advantage):
    assert slope(early_clipped_policy_loss, ratio, advantage, EPSILON, DELTA) == 0
    assert slope(clipped_policy_loss, ratio, advantage, EPSILON) == 0


def test_the_gradient_of_negative_advantages_is_bounded():
    for ratio in (1.0, 1.25, 1.299):
        assert slope(early_clipped_policy_loss, ratio, -2.0, EPSILON, DELTA) == pytest.approx(2 * ratio)
    for ratio in (1.31, 5.0, 1e6):
        assert slope(early_clipped_policy_loss, ratio, -2.0, EPSILON, DELTA) == pytest.approx(2 * MOST)
        assert slope(clipped_policy_loss, ratio, -2.0, EPSILON) == pytest.approx(2 * ratio)


def test_gradients_are_those_of_differences():
    generator = torch.Generator().manual_seed(1)
    old = -torch.rand(6, 4, generator=generator, dtype=torch.float64)
    advantage = torch.randn(6, 4, generator=generator, dtype=torch.float64)
    ratios = torch.tensor([0.5, 0.9, 1.1, 1.25], dtype=torch.float64)  # away from the kinks, below the early clip
    log_prob = (old + ratios.log()).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: clipped_policy_loss(x, old, advantage, EPSILON), log_prob)
    assert torch.autograd.gradcheck(lambda x: early_clipped_policy_loss(x, old, advantage, EPSILON, DELTA), log_prob)


def test_without_a_step_the_gradient_is_that_of_reinforce():
    log_prob = torch.randn(3, 5, dtype=torch.float64, requires_grad=True)
    advantage = torch.randn(3, 5, dtype=torch.float64)
    early_clipped_policy_loss(log_prob, log_prob.detach(), advantage, EPSILON, DELTA).sum().backward()
    assert np.allclose(log_prob.grad, -advantage)
