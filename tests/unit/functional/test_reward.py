import itertools

import numpy as np
import pytest
import torch
from scipy import stats

from lgsid.functional.lists import average_ranks, chance_ndcg, ndcg, rank_labels, spearman
from lgsid.functional.reward import listwise_softmax, pointwise_bce, soft_target_bce, weighted_bce
from lgsid.rewards import ListwiseSoftmax, PointwiseBCE, RewardLoss, SoftTargetBCE, WeightedBCE

DISTANCE = torch.tensor([[0.0, 3.0, 1.0, 1.0, 9.0], [0.0, 0.5, 2.5, 7.0, 4.0], [0.0, 1.0, 2.0, 3.0, 4.0]])
LABEL = rank_labels(DISTANCE)
SCORES = torch.tensor([[0.3, -1.0, 2.0, 0.0, -0.5], [1.0, 1.0, 1.0, -2.0, 0.1], [0.0, 0.0, 0.0, 0.0, 0.0]])


def test_ranks_and_spearman_against_scipy() -> None:
    np.testing.assert_allclose(average_ranks(SCORES).numpy(), stats.rankdata(SCORES.numpy(), axis=1))
    expected = [stats.spearmanr(SCORES[i], -DISTANCE[i]).statistic for i in range(2)]
    np.testing.assert_allclose(spearman(SCORES, -DISTANCE)[:2].numpy(), expected, atol=1e-6)
    assert spearman(SCORES, -DISTANCE)[2] == 0  # a constant score knows nothing


def test_labels_are_those_of_the_paper() -> None:
    assert rank_labels(DISTANCE)[1].tolist() == [5, 4, 3, 1, 2]
    assert rank_labels(DISTANCE)[0].tolist() == [5, 2, 3.5, 3.5, 1]


def test_ndcg_against_a_loop() -> None:
    gains = rank_labels(DISTANCE)
    for row, k in itertools.product((0, 2), (1, 3, 5, 9)):
        scores = SCORES[row : row + 1] + torch.arange(5) * 1e-3  # no ties
        order = np.argsort(-scores[0].numpy())
        gain = gains[row].numpy()
        reached = sum(gain[j] / np.log2(place + 2) for place, j in enumerate(order[:k]))
        best = sum(g / np.log2(place + 2) for place, g in enumerate(sorted(gain, reverse=True)[:k]))
        assert ndcg(scores, gains[row : row + 1], k).item() == pytest.approx(reached / best, rel=1e-5)


def test_chance_is_the_mean_over_all_orders_and_what_a_constant_earns() -> None:
    gains = rank_labels(DISTANCE[1:2])
    orders = torch.tensor(list(itertools.permutations(range(5)))).float()
    mean = ndcg(orders, gains.expand(len(orders), -1), 3).mean()
    torch.testing.assert_close(chance_ndcg(gains, 3)[0], mean)
    torch.testing.assert_close(ndcg(torch.zeros(1, 5), gains, 3), chance_ndcg(gains, 3))


def test_losses_against_loops() -> None:
    labels = (2 * LABEL).numpy()  # of any scale
    scores = SCORES.numpy().astype(np.float64)
    sigmoid = 1 / (1 + np.exp(-scores))
    weighted = soft = listwise = pointwise = 0.0
    for i in range(3):
        for j in range(5):
            target = labels[i, j] / labels[i].max()
            weighted -= labels[i, j] * np.log(sigmoid[i, j]) / 3
            soft -= (target * np.log(sigmoid[i, j]) + (1 - target) * np.log(1 - sigmoid[i, j])) / 15
            listwise -= labels[i, j] / labels[i].sum() * np.log(np.exp(scores[i, j]) / np.exp(scores[i]).sum()) / 3
            pointwise -= np.log(sigmoid[i, j] if j == 0 else 1 - sigmoid[i, j]) / 15
    assert weighted_bce(SCORES, 2 * LABEL).item() == pytest.approx(weighted, rel=1e-5)
    assert soft_target_bce(SCORES, 2 * LABEL).item() == pytest.approx(soft, rel=1e-5)
    assert listwise_softmax(SCORES, 2 * LABEL).item() == pytest.approx(listwise, rel=1e-5)
    assert pointwise_bce(SCORES).item() == pytest.approx(pointwise, rel=1e-5)


@pytest.mark.parametrize("loss", [WeightedBCE(), SoftTargetBCE(), ListwiseSoftmax(), PointwiseBCE()])
def test_every_loss_has_a_gradient_and_ignores_batch_size(loss: RewardLoss) -> None:
    scores = SCORES.clone().requires_grad_()
    loss(scores, LABEL).backward()
    assert scores.grad is not None
    assert scores.grad.abs().max() > 1e-3
    torch.testing.assert_close(loss(SCORES, LABEL), loss(SCORES.repeat(4, 1), LABEL.repeat(4, 1)))
    order = torch.tensor([0, 3, 1, 4, 2])  # the order of the other candidates is irrelevant
    torch.testing.assert_close(loss(SCORES, LABEL), loss(SCORES[:, order], LABEL[:, order]))


def test_the_literal_loss_has_no_negative_term() -> None:
    higher = weighted_bce(SCORES + 5, LABEL)
    assert higher < weighted_bce(SCORES, LABEL)
    grad = torch.autograd.functional.jacobian(lambda s: weighted_bce(s, LABEL), SCORES)
    assert (grad < 0).all()  # gradient descent raises every score
