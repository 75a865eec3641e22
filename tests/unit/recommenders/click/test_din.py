"""DIN and DistancePopularity: learning, ranking, checkpoints, with and without semantic IDs."""

import logging
import math
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from lgsid.config.config_files import read_config
from lgsid.datamodules import CTRData, PopularityNegatives, SequenceData
from lgsid.errors import LgsidError
from lgsid.recommenders.click import (
    DIN,
    ClickModel,
    DistancePopularity,
    NoDistance,
    NoSids,
    PrefixSids,
    TargetAttention,
    TwoStageAttention,
)
from lgsid.recommenders.counting import TimeTransition
from lgsid.recommenders.generative import TIGER
from lgsid.testing import quiet_trainer

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", message=".*is an instance of `nn.Module`.*")
GUESSING = -0.2 * math.log(0.2) - 0.8 * math.log(0.8)  # loss of a model that knows the share of positives
SMALL = {"width": 8, "id_width": 4, "attribute_width": 3, "attention_units": 6, "units": 8}


def make(toy_folder, kind=DIN, sids=True, **options):
    data = CTRData(str(toy_folder), str(toy_folder / "sids.parquet") if sids else None, max_history=20, batch_size=32)
    data.setup()
    torch.manual_seed(0)
    model = kind(**({**SMALL, **options} if kind is DIN else options))
    model.ensure_built(data.shape)
    model.take_catalogue(data)
    return model, data


def sample_scores(model, batch):
    return model.candidate_scores(batch, batch.candidate)


def train_loss(model, data):
    batch = data.ctr_batch(data.queries("train"))
    with torch.no_grad():
        scores = sample_scores(model, batch)
    return float(torch.nn.functional.binary_cross_entropy_with_logits(scores, batch.label))


@pytest.mark.parametrize("options", [{}, {"sid_features": PrefixSids(3, 64)}, {"distance_features": NoDistance()}])
def test_every_parameter_gets_a_gradient(toy_folder, options):
    model, data = make(toy_folder, **options)
    model.log = lambda *args, **kwargs: None
    batch = data.ctr_batch(data.queries("train"))
    model.training_step(batch, 0).backward()
    idle = [n for n, p in model.named_parameters() if p.numel() and (p.grad is None or not p.grad.abs().sum() > 0)]
    assert idle == []


@pytest.mark.parametrize("kind", [TargetAttention, TwoStageAttention])
def test_a_model_without_attributes_sees_none_and_still_knows_the_hour(toy_folder, kind):
    options = {"width": 8, "id_width": 4, "units": 8, "dropout": 0.0}
    data = CTRData(str(toy_folder), str(toy_folder / "sids.parquet"), max_history=20, batch_size=32)
    data.setup()
    batch = data.ctr_batch(data.queries("train")[:9])
    changed = {}
    for width in (0, 3):
        torch.manual_seed(0)
        model = ClickModel(kind(), attribute_width=width, context_width=3, **options)
        model.ensure_built(data.shape)
        model.take_catalogue(data)
        model.eval()
        with torch.no_grad():
            before = sample_scores(model, batch)
            assert not torch.equal(before, sample_scores(model, replace(batch, hour=(batch.hour + 7) % 24)))
            for column in ("category", "brand", "region"):
                getattr(model.catalogue, column).zero_()
            changed[width] = not torch.equal(before, sample_scores(model, batch))
    assert changed == {0: False, 3: True}


def test_loss_does_not_depend_on_the_batch_size(toy_folder):
    model, data = make(toy_folder)
    model.eval()
    rows = data.queries("train")[:40]
    whole = sample_scores(model, data.ctr_batch(rows))
    parts = [sample_scores(model, data.ctr_batch(rows[i : i + 7])) for i in range(0, 40, 7)]
    assert torch.allclose(whole, torch.cat(parts), atol=1e-5)


def test_candidates_in_any_order_and_number_get_the_same_scores(toy_folder):
    model, data = make(toy_folder)
    model.eval()
    batch = data.ctr_batch(data.queries("train")[:9])
    assert batch.candidate.shape == batch.label.shape == batch.near.shape == (9, 5)
    assert len(batch) == len(batch.history) == 9
    whole = sample_scores(model, batch)
    order = torch.tensor([3, 0, 4])
    assert torch.allclose(model.candidate_scores(batch, batch.candidate[:, order]), whole[:, order], atol=1e-5)
    some = batch.take(torch.tensor([5, 2]))
    assert torch.allclose(sample_scores(model, some), whole[[5, 2]], atol=1e-5)


def test_scores_of_all_items_are_those_of_candidates(toy_folder, monkeypatch):
    model, data = make(toy_folder)
    model.eval()
    batch = data.batch(data.queries("test")[:6])
    whole = model.scores(batch)
    assert whole.shape == (6, len(data.dataset.items))
    picked = torch.tensor([[3, 0, 17]] * 6)
    assert torch.allclose(whole.gather(1, picked), model.candidate_scores(batch, picked), atol=1e-5)
    monkeypatch.setattr("lgsid.recommenders.click.discriminative_recommender.CELLS", 100)
    assert torch.allclose(model.scores(batch), whole, atol=1e-5)


def test_semantic_ids_are_needed_only_where_asked_for(toy_folder):
    with pytest.raises(LgsidError, match="needs semantic IDs"):
        make(toy_folder, sids=False)
    model, data = make(toy_folder, sids=False, sid_features=NoSids())
    assert sample_scores(model, data.ctr_batch(data.queries("train")[:2])).shape == (2, 5)


def test_unknown_users_and_empty_histories_are_scored(toy_folder):
    model, data = make(toy_folder)
    batch = data.batch(data.queries("test")[:2])
    batch = type(batch)(
        **{**vars(batch), "user": torch.tensor([-1, 10**6]), "history": -torch.ones_like(batch.history)}
    )
    assert bool(model.eval().scores(batch).isfinite().all())


def test_learning_beats_guessing_and_the_checkpoint_keeps_it(toy_folder, tmp_path):
    negatives = PopularityNegatives()  # which distance and popularity do tell
    data = CTRData(str(toy_folder), max_history=20, batch_size=32, negatives=negatives)
    torch.manual_seed(0)
    model = DistancePopularity()
    trainer = quiet_trainer(max_epochs=5)
    trainer.fit(model, datamodule=data)
    assert {"val/auc", "val/gauc", "val/logloss", "val/near_auc"} <= set(trainer.callback_metrics)
    trainer.save_checkpoint(tmp_path / "model.ckpt")
    assert train_loss(model.train(), data) < GUESSING
    results = trainer.test(model, datamodule=data, verbose=False)[0]
    model.export(tmp_path)
    samples = pd.read_parquet(tmp_path / "per_sample.parquet")
    assert len(samples) == 5 * len(data.queries("test"))
    assert (tmp_path / "ctr_candidates.parquet").exists()
    loaded = DistancePopularity.load_from_checkpoint(tmp_path / "model.ckpt")
    again = quiet_trainer().test(loaded, datamodule=data, verbose=False)[0]
    assert again == pytest.approx(results)
    ranked = quiet_trainer().test(loaded, datamodule=SequenceData(str(toy_folder), max_history=20), verbose=False)[0]
    assert 0 < ranked["test/mrr"] < 1


@pytest.mark.parametrize("name", ["din", "din_no_sids", "distance_popularity"])
def test_shipped_configs_keep_the_epoch_with_the_best_validation_auc(name):
    (callback,) = read_config(Path("configs/recommender") / f"{name}.yaml")["trainer"]["callbacks"]
    assert callback["class_path"].endswith("ModelCheckpoint")
    assert (callback["init_args"]["monitor"], callback["init_args"]["mode"]) == ("val/auc", "max")


def test_din_learns_and_loads(toy_folder, tmp_path):
    data = CTRData(str(toy_folder), str(toy_folder / "sids.parquet"), max_history=20, batch_size=32)
    torch.manual_seed(0)
    model = DIN(**SMALL, optimizer=lambda p: torch.optim.AdamW(p, lr=1e-2))
    trainer = quiet_trainer(max_epochs=30)
    trainer.fit(model, datamodule=data)
    assert train_loss(model.eval(), data) < 0.92 * GUESSING
    trainer.save_checkpoint(tmp_path / "model.ckpt")
    loaded = DIN.load_from_checkpoint(tmp_path / "model.ckpt").eval()
    batch = data.ctr_batch(data.queries("test")[:5])
    assert torch.equal(sample_scores(loaded, batch), sample_scores(model.eval(), batch))


def test_popularity_leaves_out_what_the_user_does_from_the_query_on(toy_folder):
    model, data = make(toy_folder, DistancePopularity)
    log, everything = data.log, torch.arange(60).expand(6, -1)
    rows = data.queries("train")[:6]
    found = model.log_popularity(data.ctr_batch(rows), everything).double().exp() - 1
    for row, counts in zip(rows, found, strict=True):
        kept = (log.split == "train") & ((log.user != log.user[row]) | (np.arange(len(log)) < row))
        assert counts.round().long().tolist() == np.bincount(log.item[kept], minlength=60).tolist()
    tested = model.log_popularity(data.ctr_batch(data.queries("test")[:6]), everything)
    counts = torch.from_numpy(log.item_counts(60, "train"))
    assert 0 in counts
    assert torch.allclose(tested.exp(), 1.0 + counts.expand(6, -1), rtol=1e-5)


def test_counting_is_measured_on_the_same_samples(toy_folder):
    data = CTRData(str(toy_folder), max_history=10_000)
    results = quiet_trainer().test(TimeTransition(), datamodule=data, verbose=False)[0]
    assert results["test/auc"] > 0.5
    assert "test/logloss" not in results


def test_training_needs_labels(toy_folder):
    model, data = make(toy_folder)
    with pytest.raises(LgsidError, match="CTRData"):
        model.training_step(data.batch(data.queries("train")[:3]), 0)


@pytest.mark.parametrize("options", [(True, False), (False, True), (False, False)])
def test_distance_and_popularity_can_be_left_out(toy_folder, options):
    model, data = make(toy_folder, DistancePopularity, distance=options[0], popularity=options[1])
    batch = data.batch(data.queries("test")[:3])
    scores = model.scores(batch)
    if not options[0]:  # without the distance everybody gets the same
        assert torch.allclose(scores, scores[:1].expand_as(scores))


def test_a_model_that_scores_no_candidates_is_refused(toy_folder):
    data = CTRData(str(toy_folder))
    with pytest.raises(LgsidError, match="TIGER: it does not score given candidates"):
        quiet_trainer().test(TIGER(), datamodule=data, verbose=False)
