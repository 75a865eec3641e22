"""A learning rate that rises at first and then falls to zero."""

import pytest
import torch

from lgsid.datamodules import SequenceData
from lgsid.recommenders import EvidenceNetwork, NewPlaceRanker
from lgsid.recommenders.warmed_up import warmed_up
from lgsid.testing import quiet_trainer, toy_city


def rates(steps, share):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=2.0)
    scheduler = warmed_up(optimizer, steps, share)["lr_scheduler"]["scheduler"]
    found = []
    for _ in range(int(steps)):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return [*found, optimizer.param_groups[0]["lr"]]


def test_it_rises_and_falls_in_lines():
    assert rates(10, 0.2) == pytest.approx([1.0, 2.0, 2.0, 1.75, 1.5, 1.25, 1.0, 0.75, 0.5, 0.25, 0.0])


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_training_of_one_step_has_its_whole_rate(share):
    assert rates(1.0, share)[0] == 2.0


@pytest.mark.parametrize(("share", "falls"), [(None, False), (0.1, True)])
def test_the_ranker_of_new_places_has_it_by_request(share, falls):
    data = SequenceData(toy_city(n_checkins=300), batch_size=32)
    model = NewPlaceRanker(EvidenceNetwork(hidden=8, negatives=10), warmup_share=share)
    trainer = quiet_trainer(max_epochs=1)
    trainer.fit(model, data)
    rate = trainer.optimizers[0].param_groups[0]["lr"]
    assert rate == (pytest.approx(0.0, abs=1e-9) if falls else 3e-3)
