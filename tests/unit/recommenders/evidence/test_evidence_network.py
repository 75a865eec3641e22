"""The network over evidence and the recommender that ranks by it alone."""

from pathlib import Path

import lightning as L
import numpy as np
import pytest
import torch

from lgsid import checkpoints
from lgsid.config.config_files import read_config
from lgsid.datamodules import SequenceData
from lgsid.datasets import ColdStartSplit, TemporalSplit
from lgsid.errors import LgsidError
from lgsid.functional.ranking import NEVER
from lgsid.recommenders import BrandEvidence, EvidenceNetwork, NewPlaceRanker
from lgsid.recommenders.evidence import evidence_network
from lgsid.testing import quiet_trainer, toy_city


@pytest.fixture(scope="module")
def data():
    made = SequenceData(toy_city(n_checkins=900), batch_size=64)
    made.setup()
    return made


def make(data, **options):
    L.seed_everything(0, verbose=False)
    model = NewPlaceRanker(EvidenceNetwork(hidden=16, negatives=20, **options))
    model.ensure_built(data.shape)
    model.take_catalogue(data)
    return model


def new_queries(data, n=9):
    rows = data.queries("train")
    return data.batch(rows[data.log.is_new[rows]][:n])


def test_columns_are_scaled_by_a_sample_of_training_queries(data):
    network = make(data).evidence
    assert network.mean.isfinite().all()
    assert (network.deviation >= 0.05).all()
    assert len(network.mean) == sum(evidence.n_columns for evidence in network.kinds())


def test_visited_places_never_come_back_and_chunks_do_not_matter(data, monkeypatch):
    model = make(data)
    batch = data.batch(data.queries("test")[:30])
    whole = model.evidence.scores(batch, model.catalogue)
    for row, scores in zip(batch.history, whole, strict=True):
        assert set((scores == NEVER).nonzero()[:, 0].tolist()) == set(row[row >= 0].tolist())
    monkeypatch.setattr(evidence_network, "CELLS", 60 * 7)
    assert torch.allclose(model.evidence.scores(batch, model.catalogue), whole, atol=1e-5)
    assert not torch.isin(model.rank(batch, 5).items, torch.tensor([-1])).any()


@pytest.mark.parametrize("share", [0.0, 1e-9])
def test_the_loss_is_the_sampled_soft_max(data, monkeypatch, share):
    model = make(data, hidden_share=share)
    batch = new_queries(data)
    unknown = torch.from_numpy(data.log.item_counts(60, "train") == 0)
    assert unknown.any()
    monkeypatch.setattr(torch, "randint", lambda high, shape, device: torch.arange(high).expand(len(batch), -1))
    scores = model.evidence.scores(batch, model.catalogue)
    if share:  # then no place without a check-in is learned against
        scores = scores.masked_fill(unknown, NEVER)
    expected = -scores.log_softmax(1).gather(1, batch.target[:, None]).mean()
    assert model.evidence.loss(batch, model.catalogue).item() == pytest.approx(expected.item(), abs=1e-4)


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_a_generator_gets_the_same_loss_and_what_the_scores_say(data, share):
    model = make(data, hidden_share=share)
    network, batch = model.evidence, new_queries(data, 20)
    torch.manual_seed(0)
    alone = network.loss(batch, model.catalogue)
    alone.backward()
    gradient = [weight.grad.clone() for weight in network.parameters()]
    network.zero_grad()
    torch.manual_seed(0)
    loss, log_prob = network.loss_and_log_prob(batch, model.catalogue)
    loss.backward()
    assert loss.item() == pytest.approx(alone.item(), abs=1e-6)
    for weight, expected in zip(network.parameters(), gradient, strict=True):
        torch.testing.assert_close(weight.grad, expected, atol=1e-5, rtol=1e-4)
    among_all = network.scores(batch, model.catalogue).log_softmax(1).gather(1, batch.target[:, None])[:, 0]
    assert not log_prob.requires_grad
    torch.testing.assert_close(log_prob, among_all, atol=1e-5, rtol=1e-5)
    loss, log_prob = network.loss_and_log_prob(new_queries(data, 0), model.catalogue)
    assert (loss.item(), log_prob.shape) == (0, (0,))


def test_a_generator_gets_the_mean_over_all_chunks(data, monkeypatch):
    model = make(data)
    batch = new_queries(data, 20)
    monkeypatch.setattr(torch, "randint", lambda high, shape, device: torch.arange(high).expand(shape[0], -1))
    whole, log_prob = model.evidence.loss_and_log_prob(batch, model.catalogue)
    monkeypatch.setattr(evidence_network, "CELLS", 60 * 7)
    parts, log_prob_of_parts = model.evidence.loss_and_log_prob(batch, model.catalogue)
    assert parts.item() == pytest.approx(whole.item(), abs=1e-5)
    torch.testing.assert_close(log_prob_of_parts, log_prob, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_a_loss_in_parts_is_the_loss_as_a_whole(data, monkeypatch, share):
    model = make(data, hidden_share=share)
    batch, found = new_queries(data, 20), []
    for cells in (1 << 20, 60 * 7):
        monkeypatch.setattr(evidence_network, "TABLE_CELLS", cells)
        torch.manual_seed(0)
        found.append(model.evidence.loss(batch, model.catalogue).item())
    assert found[0] == pytest.approx(found[1], abs=1e-6)


def test_evidence_that_looks_at_all_places_is_named(data):
    class Everywhere(BrandEvidence):
        def columns(self, view, catalogue):
            yield torch.zeros(len(view), len(catalogue))

    model = NewPlaceRanker(EvidenceNetwork([Everywhere()], negatives=7))
    model.ensure_built(data.shape)
    model.take_catalogue(data)
    with pytest.raises(LgsidError, match=r"Everywhere: a column of shape \[5, 60\], not \[5, 8\]; take what is known"):
        model.evidence.loss(new_queries(data, 5), model.catalogue)


def test_a_training_query_does_not_see_the_check_ins_of_a_share_of_the_places(data, monkeypatch):
    model = make(data, hidden_share=0.3)
    seen = []
    of = evidence_network.QueryView.of
    monkeypatch.setattr(evidence_network.QueryView, "of", lambda *given: seen.append(given) or of(*given))
    model.evidence.loss(new_queries(data, 200), model.catalogue)
    ((_, _, hidden, places),) = seen
    assert places.shape == (len(hidden), 1 + model.evidence.negatives)  # no column of all places is computed
    assert 0.25 < hidden.float().mean() < 0.35
    assert 0 < hidden.float().mean(1).std() < 0.1  # drawn anew for each query


@pytest.mark.parametrize(("share", "least", "most"), [(0.1, 0.6, 1.7), (0.0, 0.0, 0.5)])
def test_places_newer_than_the_log_are_worth_what_others_are_if_asked_for(share, least, most):
    split = ColdStartSplit(TemporalSplit(), share=0.3)
    data = SequenceData(toy_city(n_checkins=1500, split=split), batch_size=64)
    data.setup()
    cold = torch.from_numpy(data.log.item_counts(60, "train") == 0)
    model = make(data, hidden_share=share)
    quiet_trainer(max_epochs=6).fit(model, data)
    scores = model.eval().evidence.scores(data.batch(data.queries("test")), model.catalogue)
    mass = scores.softmax(1)[:, cold].sum(1).mean().item()
    assert least < mass / cold.float().mean().item() < most


def test_it_learns_and_the_checkpoint_keeps_it(data, tmp_path):
    model = make(data)
    trainer = quiet_trainer(max_epochs=6)
    trainer.fit(model, data)
    found = trainer.test(model, data, verbose=False)[0]
    chance = 10 / 50
    assert found["test/explore/hit@10"] > 1.5 * chance
    trainer.save_checkpoint(tmp_path / "model.ckpt")
    loaded = checkpoints.load(tmp_path / "model.ckpt", NewPlaceRanker)
    batch = data.batch(data.queries("test")[:8])
    assert torch.equal(loaded.eval().scores(batch), model.eval().scores(batch))


def test_a_batch_without_new_places_trains_nothing(data):
    model = make(data)
    rows = data.queries("train")
    assert model.training_step(data.batch(rows[~data.log.is_new[rows]][:5]), 0) is None
    with pytest.raises(LgsidError, match="negatives must be at least 1, not 0"):
        EvidenceNetwork(negatives=0)
    with pytest.raises(LgsidError, match="hidden_share must be from 0 to less than 1, not 1"):
        EvidenceNetwork(hidden_share=1)


def test_a_place_without_check_ins_can_be_first(data):
    model = make(data)
    counts = data.log.item_counts(60, "train")
    cold = np.flatnonzero(counts == 0)
    assert len(cold)
    scores = model.scores(data.batch(data.queries("test")[:30]))
    assert scores[:, cold].max() > scores.median(1).values.min()


@pytest.mark.parametrize("config", ["new_place_ranker", "place_generator"])
def test_the_configs_list_what_the_network_weighs_by_default(config):
    content = read_config(Path(__file__).parents[4] / "configs" / "recommender" / f"{config}.yaml")
    listed = content["model"]["init_args"]["evidence"]["init_args"]["evidence"]
    default = [type(kind).__name__ for kind in EvidenceNetwork().kinds()]
    assert [kind["class_path"].rpartition(".")[2] for kind in listed] == default
