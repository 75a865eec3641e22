"""The library of preference losses: closed forms, and gradients against finite differences."""

import doctest
import itertools
import math

import pytest
import torch

from lgsid.functional import preference
from lgsid.functional.preference import (
    contrastive_similarity_loss,
    in_batch_softmax_loss,
    listwise_preference_loss,
    pairwise_preference_loss,
    plackett_luce_preference_loss,
    reference_free_preference_loss,
    softmax_preference_loss,
)

B, K = 4, 3
SAME = torch.tensor([[1, 0, 1, 0], [0, 1, 0, 0], [1, 0, 1, 0], [0, 0, 1, 1]], dtype=torch.bool)
GRADES = torch.tensor([[3.0, 1.0, 0.0], [2.0, 2.0, 1.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]], dtype=torch.float64)


def tensors(*shapes, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in shapes]


@pytest.mark.parametrize(
    ("loss", "shapes"),
    [
        (lambda *x: pairwise_preference_loss(*x, beta=0.7), [(B,), (B, K), (B,), (B, K)]),
        (lambda *x: softmax_preference_loss(*x, beta=0.7), [(B,), (B, K), (B,), (B, K)]),
        (lambda *x: reference_free_preference_loss(*x, beta=0.7, margin=0.4), [(B,), (B, K)]),
        (lambda x: listwise_preference_loss(x, GRADES, 0.7), [(B, K)]),
        (lambda x, r: listwise_preference_loss(x, GRADES, 0.7, r), [(B, K), (B, K)]),
        (lambda x: plackett_luce_preference_loss(x, GRADES, 0.7), [(B, K)]),
        (lambda x, r: plackett_luce_preference_loss(x, GRADES, 0.7, r), [(B, K), (B, K)]),
        (lambda x: in_batch_softmax_loss(x, 0.6), [(B, B)]),
        (lambda x, y: in_batch_softmax_loss(x, 0.6, SAME, y), [(B, B), (B, K)]),
        (lambda x, y, r, s: in_batch_softmax_loss(x, 0.6, SAME, y, r, s), [(B, B), (B, K), (B, B), (B, K)]),
        (lambda x, y: contrastive_similarity_loss(x, y, 0.3), [(B, 5), (B, 5)]),
    ],
)
def test_gradients_are_those_of_finite_differences(loss, shapes):
    inputs = [x.requires_grad_() for x in tensors(*shapes)]
    assert torch.autograd.gradcheck(loss, inputs)
    loss(*inputs).backward()
    assert all(x.grad.abs().max() > 1e-3 for x in inputs)


def test_reference_free_loss_is_the_formula():
    chosen, rejected = tensors((B,), (B, K))
    terms = [
        math.log(1 + math.exp(-(0.7 * float(chosen[b] - rejected[b, k]) - 0.4))) for b in range(B) for k in range(K)
    ]
    found = reference_free_preference_loss(chosen, rejected, beta=0.7, margin=0.4)
    assert found.item() == pytest.approx(sum(terms) / len(terms))
    constant = torch.full((B,), 2.0), torch.full((B, K), 2.0)
    assert reference_free_preference_loss(chosen, rejected, beta=0.7).item() == pytest.approx(
        pairwise_preference_loss(chosen, rejected, *constant, beta=0.7).item()
    )


def test_listwise_loss_is_the_formula():
    rewards, reference = tensors((B, K), (B, K))
    expected = 0.0
    for b in range(B):
        scores = [math.exp(0.7 * float(rewards[b, k] - reference[b, k])) for k in range(K)]
        total = float(GRADES[b].sum())
        for k in range(K):
            expected -= float(GRADES[b, k]) / total * math.log(scores[k] / sum(scores)) if total else 0.0
    assert listwise_preference_loss(rewards, GRADES, 0.7, reference).item() == pytest.approx(expected / B)


def test_listwise_loss_with_one_graded_item_is_the_softmax_loss():
    chosen, rejected, reference_chosen, reference_rejected = tensors((B,), (B, K), (B,), (B, K))
    grades = torch.zeros(B, 1 + K, dtype=torch.float64)
    grades[:, 0] = 5.0
    rewards = torch.cat([chosen[:, None], rejected], dim=1)
    reference = torch.cat([reference_chosen[:, None], reference_rejected], dim=1)
    expected = softmax_preference_loss(chosen, rejected, reference_chosen, reference_rejected, beta=0.7)
    for loss in (listwise_preference_loss, plackett_luce_preference_loss):
        assert loss(rewards, grades, 0.7, reference).item() == pytest.approx(expected.item())


def test_listwise_loss_is_least_where_the_softmax_equals_the_grades():
    grades = torch.tensor([[4.0, 2.0, 1.0]], dtype=torch.float64)
    best = grades.log().requires_grad_()
    listwise_preference_loss(best, grades, 1.0).backward()
    assert best.grad.abs().max() < 1e-12


def test_plackett_luce_is_the_likelihood_of_the_order():
    """Over all orders of four items, the likelihoods sum to one; each is the product of its draws."""
    (rewards,) = tensors((1, 4))
    total = 0.0
    for order in itertools.permutations(range(4)):
        grades = torch.zeros(1, 4, dtype=torch.float64)
        grades[0, list(order)] = torch.tensor([3.0, 2.0, 1.0, 0.0], dtype=torch.float64)
        left, likelihood = list(order), 1.0
        for item in order:
            likelihood *= math.exp(0.7 * rewards[0, item]) / sum(math.exp(0.7 * rewards[0, k]) for k in left)
            left.remove(item)
        found = math.exp(-plackett_luce_preference_loss(rewards, grades, 0.7).item())
        assert found == pytest.approx(likelihood)
        total += found
    assert total == pytest.approx(1)


def test_plackett_luce_draws_ties_against_all_of_them_and_nothing_from_the_lowest():
    rewards, reference = tensors((B, K), (B, K))
    gain, expected = rewards - reference, 0.0
    for b in range(B):
        for j in range(K):
            if GRADES[b, j] > GRADES[b].min():
                below = [k for k in range(K) if GRADES[b, k] <= GRADES[b, j]]
                expected += math.log(sum(math.exp(0.7 * float(gain[b, k] - gain[b, j])) for k in below)) / B
    found = plackett_luce_preference_loss(rewards, GRADES, 0.7, reference)
    assert found.item() == pytest.approx(expected)
    order = [2, 0, 1]
    moved = plackett_luce_preference_loss(rewards[:, order], GRADES[:, order], 0.7, reference[:, order])
    assert moved.item() == pytest.approx(found.item())
    assert plackett_luce_preference_loss(rewards, torch.ones(B, K), 0.7) == 0


@pytest.mark.parametrize("referenced", [False, True])
def test_in_batch_softmax_is_the_formula(referenced):
    similarity, rejected, reference, reference_rejected = tensors((B, B), (B, K), (B, B), (B, K))
    given = {"reference": reference, "reference_rejected": reference_rejected} if referenced else {}
    held = (reference, reference_rejected) if referenced else (torch.zeros(B, B), torch.zeros(B, K))
    expected = 0.0
    for i in range(B):
        own = float(similarity[i, i] - held[0][i, i])
        rivals = [float(similarity[i, j] - held[0][i, j]) for j in range(B) if j != i and not SAME[i, j]]
        rivals += [float(rejected[i, k] - held[1][i, k]) for k in range(K)]
        expected += math.log(1 + sum(math.exp((rival - own) / 0.6) for rival in rivals)) / B
    found = in_batch_softmax_loss(similarity, 0.6, SAME, rejected, **given)
    assert found.item() == pytest.approx(expected)


def test_in_batch_softmax_without_masks_is_cross_entropy_and_without_rivals_nothing():
    (similarity,) = tensors((B, B))
    expected = torch.nn.functional.cross_entropy(similarity / 0.6, torch.arange(B))
    assert in_batch_softmax_loss(similarity, 0.6).item() == pytest.approx(expected.item())
    assert in_batch_softmax_loss(similarity, 0.6, torch.ones(B, B, dtype=torch.bool)) == 0


def test_an_excluded_item_gets_no_gradient():
    (similarity,) = tensors((B, B))
    in_batch_softmax_loss(similarity.requires_grad_(), 0.6, SAME).backward()
    off = ~torch.eye(B, dtype=torch.bool)
    assert (similarity.grad[SAME & off] == 0).all()
    assert (similarity.grad[~SAME] > 0).all()


def test_the_example_runs():
    assert doctest.testmod(preference).attempted >= 6
    assert doctest.testmod(preference).failed == 0
