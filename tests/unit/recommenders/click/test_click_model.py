"""A further click model is one extractor: the proof, with an auxiliary loss."""

import logging

import pytest
import torch
from torch import nn
from torch.nn.functional import softplus

from lgsid import checkpoints
from lgsid.datamodules import CTRData
from lgsid.recommenders import ClickModel, Interest, InterestExtractor, LiveRecommender, NoSids
from lgsid.testing import RecommenderContract, quiet_trainer

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
TRAINER = {"max_epochs": 2}


class MeanPooling(InterestExtractor):
    """The mean of the events and, as DIEN has it, an auxiliary loss that tells the next event from another user's.

    Args:
        weight: Weight of the auxiliary loss.
    """

    def __init__(self, weight: float = 0.5) -> None:
        super().__init__()
        self.weight = weight

    def build(self, sizes):
        self.state = nn.Linear(sizes.event + sizes.context, sizes.event)
        self.dim = sizes.event

    def forward(self, inputs):
        mask = inputs.mask[..., None]
        states = self.state(torch.cat([inputs.event, inputs.context], -1)) * mask
        pooled = states.sum(1, keepdim=True) / mask.sum(1, keepdim=True).clamp_min(1)
        vector = pooled.expand_as(inputs.candidate)
        if inputs.label is None:
            return Interest(vector)
        known = inputs.mask[:, :-1]
        there = (states[:, :-1] * inputs.event[:, 1:]).sum(-1)[known]
        elsewhere = (states[:, :-1] * inputs.embed(inputs.history.flip(0))[:, 1:]).sum(-1)[known]
        loss = softplus(-there).mean() + softplus(elsewhere).mean()
        return Interest(vector, {"next_event": self.weight * loss})


def make(toy_folder, weight=0.5):
    data = CTRData(str(toy_folder), str(toy_folder / "sids.parquet"), max_history=12, batch_size=32)
    data.setup()
    torch.manual_seed(0)
    model = ClickModel(MeanPooling(weight), width=8, units=12, dropout=0.0)
    model.ensure_built(data.shape)
    model.take_catalogue(data)
    return model, data


def test_the_auxiliary_loss_is_added_and_logged_by_its_name(toy_folder):
    logged = {}
    losses = {}
    for weight in (0.0, 0.5):
        model, data = make(toy_folder, weight)
        model.log = lambda name, value, **_: logged.update({name: float(value)})
        losses[weight] = float(model.training_step(data.ctr_batch(data.queries("train")[:40]), 0))
    assert logged["train/next_event"] > 0
    assert losses[0.0] == pytest.approx(logged["train/loss"])
    assert losses[0.5] == pytest.approx(logged["train/loss"] + logged["train/next_event"])


def test_every_parameter_gets_a_gradient(toy_folder):
    model, data = make(toy_folder)
    model.log = lambda *args, **kwargs: None
    model.training_step(data.ctr_batch(data.queries("train")), 0).backward()
    idle = [n for n, p in model.named_parameters() if p.numel() and (p.grad is None or not p.grad.abs().sum() > 0)]
    assert idle == []


def test_labels_change_no_score(toy_folder):
    model, data = make(toy_folder)
    batch = data.ctr_batch(data.queries("train")[:9])
    model.eval()
    assert torch.equal(model.training_logits(batch)[0], model.candidate_scores(batch, batch.candidate))


def test_parameters_come_in_the_order_of_their_creation(toy_folder):
    """Sums over all parameters, such as the norm of the gradient, are then the same as without an extractor."""
    names = [name.partition(".")[0] for name, _ in make(toy_folder)[0].named_parameters()]
    assert list(dict.fromkeys(names))[-3:] == ["project", "extractor", "final"]


def test_it_trains_loads_and_serves(toy_folder, tmp_path):
    data = CTRData(str(toy_folder), max_history=12, batch_size=64)
    model, trainer = ClickModel(MeanPooling(), NoSids(), width=8), quiet_trainer(**TRAINER)
    trainer.fit(model, datamodule=data)
    assert {"val/auc", "val/logloss"} <= set(trainer.callback_metrics)
    trainer.save_checkpoint(tmp_path / "model.ckpt")
    loaded = checkpoints.load(tmp_path / "model.ckpt")
    assert isinstance(loaded.extractor, MeanPooling)
    user = data.dataset.user_ids[0]
    found, expected = (LiveRecommender(m, toy_folder).recommend(user=user) for m in (loaded, model))
    assert found.items == expected.items


class TestAClickModelKeepsTheContract(RecommenderContract):
    @pytest.fixture(autouse=True)
    def _folder(self, toy_folder):
        self.toy_folder = toy_folder

    def make(self):
        return make(self.toy_folder)
