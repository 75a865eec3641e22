"""Counts as they were when a training query was made."""

from dataclasses import replace

import lightning as L
import numpy as np
import pytest
import torch

from lgsid.datamodules import SequenceData
from lgsid.errors import LgsidError
from lgsid.recommenders import EvidenceNetwork, NewPlaceRanker, PlaceGenerator
from lgsid.recommenders.evidence import QueryView, evidence_network
from lgsid.testing import quiet_trainer, toy_city

SHARES = (0.5, 0.75)


@pytest.fixture(scope="module")
def data():
    made = SequenceData(toy_city(n_checkins=900), batch_size=64)
    made.setup()
    return made


def make(data, kind=NewPlaceRanker, **options):
    L.seed_everything(0, verbose=False)
    model = kind(evidence=EvidenceNetwork(hidden=16, negatives=20, **options))
    model.ensure_built(data.shape)
    model.take_catalogue(data)
    return model


def starts(data):
    rows = np.flatnonzero(data.log.split == "train")
    return [rows[int(share * len(rows))] for share in SHARES]


def test_a_query_is_seen_with_the_counts_of_a_log_that_ends_at_the_snapshot(data):
    model = make(data, snapshots=SHARES)
    batch = data.batch(data.queries("train"))
    first, second = starts(data)
    found = []
    for at, queries, then in model.evidence.parts(batch, model.catalogue):
        columns = list(model.evidence.columns(QueryView.of(queries, len(then)), then))
        found.append((batch.row[at], torch.stack(columns, -1)))
    rows = torch.cat([rows for rows, _ in found])
    assert rows.tolist() == batch.row[batch.row >= int(first)].tolist()
    assert found[0][0].max() < int(second) <= found[1][0].min()
    for start, (rows, columns) in zip((first, second), found, strict=True):
        past = SequenceData(data.dataset)
        past.setup()
        # what comes from the snapshot on is no training any more, so that nothing of it is counted or left out
        split = np.where((np.arange(len(data.log)) >= start) & (data.log.split == "train"), "val", data.log.split)
        past.log = replace(data.log, split=split)
        honest = make(past)
        view = QueryView.of(past.batch(rows.numpy()), len(honest.catalogue))
        expected = torch.stack(list(honest.evidence.columns(view, honest.catalogue)), -1)
        torch.testing.assert_close(columns, expected, atol=1e-4, rtol=1e-4)


def test_the_loss_is_that_of_the_queries_since_the_first_snapshot(data):
    model = make(data, snapshots=SHARES)
    rows = data.queries("train")
    rows = rows[data.log.is_new[rows]]
    early, late = rows[rows < starts(data)[0]], rows[rows >= starts(data)[0]]
    assert len(early)
    assert len(late)
    losses = []
    for chosen in (late, rows):
        torch.manual_seed(0)
        losses.append(model.evidence.loss(data.batch(chosen), model.catalogue).item())
    assert losses[0] == losses[1]
    assert not model.evidence.loss(data.batch(early), model.catalogue).requires_grad
    assert model.training_step(data.batch(early), 0) is None


def test_early_queries_are_scored_by_all_counts_and_late_ones_by_those_of_their_time(data):
    model, plain = make(data, snapshots=SHARES), make(data)
    batch = data.batch(data.queries("train"))
    early = batch.row < int(starts(data)[0])
    then, now = (m.evidence.scores_then(batch, m.catalogue) for m in (model, plain))
    assert torch.equal(now, plain.evidence.scores(batch, plain.catalogue))
    assert torch.allclose(then[early], now[early], atol=1e-6)
    assert not torch.allclose(then[~early], now[~early], atol=1e-2)
    # afterwards the evidence holds its own counts again
    test = data.batch(data.queries("test"))
    assert torch.equal(model.evidence.scores(test, model.catalogue), plain.evidence.scores(test, plain.catalogue))


def test_a_checkpoint_holds_no_snapshot_and_the_data_give_them_again(data, tmp_path):
    model = NewPlaceRanker(EvidenceNetwork(hidden=16, negatives=20, snapshots=SHARES))
    trainer = quiet_trainer(max_epochs=1)
    trainer.fit(model, data)
    trainer.save_checkpoint(tmp_path / "half.ckpt")
    kept = torch.load(tmp_path / "half.ckpt", weights_only=True)["state_dict"]
    assert set(kept) == set(make(data).state_dict())
    again = NewPlaceRanker(EvidenceNetwork(hidden=16, negatives=20, snapshots=SHARES))
    quiet_trainer(max_epochs=2).fit(again, data, ckpt_path=tmp_path / "half.ckpt")
    assert len(list(again.evidence.parts(data.batch(data.queries("train")), again.catalogue))) == len(SHARES)


def test_a_generator_learns_its_gate_by_the_counts_of_the_time(data, monkeypatch):
    model = make(data, PlaceGenerator, snapshots=SHARES)
    asked = []
    then = evidence_network.EvidenceNetwork.scores_then
    monkeypatch.setattr(
        evidence_network.EvidenceNetwork, "scores_then", lambda *given: asked.append(len(given[1])) or then(*given)
    )
    batch = data.batch(data.queries("train")[-60:])
    assert model.training_step(batch, 0).isfinite()
    assert asked == [int(batch.is_new.sum())]


@pytest.mark.parametrize("wrong", [[0.5, 0.4], [0.0, 0.5], [0.5, 1.0], [0.5, 0.5]])
def test_snapshots_are_ascending_shares(wrong):
    with pytest.raises(LgsidError, match="EvidenceNetwork: snapshots must be ascending shares above 0 and"):
        EvidenceNetwork(snapshots=wrong)
