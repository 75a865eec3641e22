import math

import numpy as np
import pytest
import torch
from lgsid_sasrec import FullSoftmax, SampledBCE

from lgsid.errors import LgsidError


def draw(n=7, b=5, d=4):
    generator = torch.Generator().manual_seed(0)
    state, table = torch.randn(b, d, generator=generator), torch.randn(n, d, generator=generator)
    return state, table, torch.randint(n, (b,), generator=generator)


def test_full_softmax_against_a_loop():
    state, table, target = draw()
    total = 0.0
    for s, t in zip(state.double().numpy(), target.tolist(), strict=True):
        scores = table.double().numpy() @ s
        total -= scores[t] - math.log(sum(math.exp(x) for x in scores))
    assert float(FullSoftmax()(state, table, target)) == pytest.approx(total / len(state), rel=1e-5)


@pytest.mark.parametrize("calibration", [0.0, 0.4, 1.0])
def test_sampled_bce_against_a_loop(calibration):
    state, table, target = draw()
    negative = torch.tensor([[0, 1, 6], [2, 2, 3], [5, 4, 0], [1, 6, 3], [4, 4, 4]])
    share = 3 / 6
    beta = share * (calibration * (1 - 1 / share) + 1 / share)
    total = 0.0
    for s, t, others in zip(state.double().numpy(), target.tolist(), negative.tolist(), strict=True):
        scores = 1 / (1 + np.exp(-(table.double().numpy() @ s)))
        total -= math.log(scores[t] ** beta) + sum(math.log(1 - scores[j]) for j in others)
    found = SampledBCE(3, calibration).of(state, table, target, negative)
    assert float(found) == pytest.approx(total / len(state), rel=1e-5)


def test_the_loss_of_the_paper_has_one_negative_and_no_calibration():
    assert (SampledBCE().negatives, SampledBCE().calibration) == (1, 0.0)


def test_fully_calibrated_scores_are_probabilities():
    """The minimum of the expected loss over a free score is at the probability of the item (gSASRec, section 5)."""
    n, k, p = 11, 4, 0.3
    score = torch.linspace(-4, 4, 801).double()
    share = k / (n - 1)
    beta = share  # at calibration 1
    right, wrong = torch.nn.functional.logsigmoid(score), torch.nn.functional.logsigmoid(-score)
    expected = -(p * beta * right + (1 - p) * share * wrong)
    assert float(score[expected.argmin()].sigmoid()) == pytest.approx(p, abs=0.01)


def test_negatives_are_uniform_over_the_other_items(monkeypatch):
    seen = []
    monkeypatch.setattr(SampledBCE, "of", lambda self, state, table, target, negative: seen.append(negative))
    torch.manual_seed(0)
    target = torch.arange(5).repeat(4000)
    SampledBCE(2)(torch.zeros(20_000, 1), torch.zeros(5, 1), target)
    counts = torch.zeros(5, 5).index_put_((target[:, None].expand(-1, 2), seen[0]), torch.ones(()), accumulate=True)
    assert bool((counts.diagonal() == 0).all())
    others = counts[~torch.eye(5, dtype=torch.bool)]
    assert float((others / 2000 - 1).abs().max()) < 0.1


@pytest.mark.parametrize("options", [{"negatives": 0}, {"calibration": -0.1}, {"calibration": 1.5}])
def test_wrong_options(options):
    with pytest.raises(LgsidError, match="SampledBCE: "):
        SampledBCE(**options)
