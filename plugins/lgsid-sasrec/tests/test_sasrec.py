from dataclasses import replace

import lightning as L
import numpy as np
import pandas as pd
import pytest
import torch
from lgsid_sasrec import FullSoftmax, IDInputs, SampledBCE, SASRec, SIDInputs, SummedInputs

import lgsid
from lgsid import plugins
from lgsid.artefacts.sequence_batch import sequence_batch
from lgsid.cli import main
from lgsid.datamodules import SequenceData
from lgsid.errors import LgsidError
from lgsid.recommenders import LevelSids, NoSids
from lgsid.recommenders.candidate_scorer import CandidateScorer
from lgsid.testing import RecommenderContract, toy_city

SMALL = {"width": 16, "max_length": 20}


def semantic_ids(city):
    codes = np.stack([np.arange(len(city.items)) % 8, np.arange(len(city.items)) // 8], 1)
    return lgsid.SemanticIDs(city.items.ids, codes, (8, 8))


def built(item_inputs=None, **options):
    city = toy_city()
    data = SequenceData(city, semantic_ids(city))
    data.setup()
    torch.manual_seed(0)
    model = SASRec(item_inputs, **{**SMALL, **options})
    model.ensure_built(data.shape)
    model.take_catalogue(data)
    return model.eval(), data


def eight_queries(data):
    return sequence_batch(data.log, np.flatnonzero(data.log.split == "test")[:8], 50)


class TestContractOfIDs(RecommenderContract):
    def make(self):
        return built()


class TestContractOfSIDs(RecommenderContract):
    def make(self):
        return built(SIDInputs())


class TestContractOfBoth(RecommenderContract):
    def make(self):
        return built(SummedInputs(), loss=SampledBCE(4), n_heads=1, n_blocks=1)


def table_of(model):
    return model.item_inputs(model.catalogue)


@pytest.mark.parametrize("item_inputs", [None, SIDInputs, SummedInputs])
def test_later_visits_change_no_earlier_state(item_inputs):
    model, data = built(item_inputs and item_inputs())
    history = eight_queries(data).history[:, -20:]
    known = (history >= 0).all(1)
    history = history[known]
    assert len(history) > 1
    states, _ = model.states(history, table_of(model))
    for cut in (1, 7, 19):
        changed = history.clone()
        changed[:, cut:] = (changed[:, cut:] + 11) % len(data.dataset.items)
        others, _ = model.states(changed, table_of(model))
        torch.testing.assert_close(others[:, :cut], states[:, :cut])
        assert float((others[:, cut:] - states[:, cut:]).detach().abs().amin((0, 2)).max()) > 1e-4


def test_every_visit_that_is_read_changes_the_last_state():
    model, _ = built()
    history = torch.arange(25).repeat(1, 1)
    table = table_of(model).detach()
    last = model.states(history, table)[0][:, -1]
    moved = []
    for at in range(25):
        changed = history.clone()
        changed[:, at] = 40
        moved.append(float((model.states(changed, table)[0][:, -1] - last).detach().abs().max()))
    assert max(moved[:5]) == 0  # longer ago than `max_length`
    assert min(moved[5:]) > 1e-6


def test_states_against_a_numpy_loop():
    model, _ = built()
    history = torch.tensor([[-1, -1, 3, 7, 3, 9]])
    table = table_of(model).detach().double().numpy()
    weights = {name: value.detach().double().numpy() for name, value in model.named_parameters()}

    def norm(x, name):
        centered = x - x.mean(-1, keepdims=True)
        return (
            centered / np.sqrt((centered**2).mean(-1, keepdims=True) + 1e-5) * weights[f"{name}.weight"]
            + (weights[f"{name}.bias"])
        )

    def linear(x, name):
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    visits = [3, 7, 3, 9]
    x = np.stack([table[item] * 4 + weights["position.weight"][3 - i] for i, item in enumerate(visits)])
    for block in ("blocks.0", "blocks.1"):
        q, k, v = np.split(linear(norm(x, f"{block}.attention_norm"), f"{block}.query_key_value"), 3, axis=-1)
        read = np.zeros_like(x)
        for i in range(4):
            for part in (slice(0, 8), slice(8, 16)):
                score = np.exp(np.array([q[i, part] @ k[j, part] / np.sqrt(8) for j in range(i + 1)]))
                read[i, part] = (score / score.sum()) @ v[: i + 1, part]
        x = x + linear(read, f"{block}.attention_output")
        hidden = np.maximum(linear(norm(x, f"{block}.network_norm"), f"{block}.network.0"), 0)
        x = x + linear(hidden, f"{block}.network.3")
    found, known = model.states(history, table_of(model))
    assert known.tolist() == [[False, False, True, True, True, True]]
    np.testing.assert_allclose(found[0, 2:].detach().numpy(), norm(x, "norm"), atol=1e-4)


def test_padding_wherever_it_stands_changes_nothing():
    model, data = built()
    batch = eight_queries(data)
    expected = model.scores(batch)
    empty = torch.full((len(batch), 9), -1)
    n, width = batch.history.shape
    spread = torch.full((n, 2 * width), -1)
    spread[:, ::2] = batch.history
    for history in (
        torch.cat([empty, batch.history], 1),
        torch.cat([batch.history, empty], 1),
        spread,
    ):
        torch.testing.assert_close(model.scores(replace(batch, history=history)), expected, atol=1e-5, rtol=1e-5)


def test_a_batch_of_one_and_no_past():
    model, data = built()
    batch = eight_queries(data)
    together = model.scores(batch)
    torch.testing.assert_close(model.scores(batch.take(torch.tensor([3])))[0], together[3])
    popular = torch.log1p(model.catalogue.count.float()).expand(len(batch), -1)
    nowhere = replace(batch, history=torch.full_like(batch.history, -1))
    assert torch.equal(model.scores(nowhere), popular)
    assert torch.equal(model.scores(replace(batch, history=batch.history[:, :0])), popular)
    mixed = batch.history.clone()
    mixed[0] = -1
    scores = model.scores(replace(batch, history=mixed))
    assert torch.equal(scores[0], popular[0])
    torch.testing.assert_close(scores[1:], together[1:])
    assert model.training_step(nowhere, 0) is None
    assert len(model.scores(batch.take(torch.zeros(len(batch), dtype=torch.bool)))) == 0


def test_candidates_have_their_scores():
    model, data = built()
    batch, candidate = eight_queries(data), torch.tensor([[4, 0, 9]]).expand(8, -1)
    assert isinstance(model, CandidateScorer)
    assert torch.equal(model.candidate_scores(batch, candidate), model.scores(batch)[:, [4, 0, 9]])


@pytest.mark.parametrize("loss", [FullSoftmax(), SampledBCE(3), SampledBCE(3, calibration=0.75)])
@pytest.mark.parametrize("item_inputs", [IDInputs, SIDInputs, SummedInputs])
def test_every_parameter_gets_a_gradient(loss, item_inputs):
    model, data = built(item_inputs(), loss=loss, dropout=0.0)
    model.log = lambda *args, **kwargs: None
    model.train().training_step(sequence_batch(data.log, data.queries("train")[-40:], 50), 0).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert bool(parameter.grad.isfinite().all()), name


class Circle:
    """A city in which everybody goes from place to place in one and the same order, again and again."""

    name = "circle"
    n = 24

    def make(self):
        hours = pd.date_range("2024-01-01", periods=60, freq="h", tz="UTC")
        visits = [(f"u{u}", f"p{(3 * u + i) % self.n:02d}", time) for u in range(8) for i, time in enumerate(hours)]
        places = pd.DataFrame({"item_id": [f"p{i:02d}" for i in range(self.n)]})
        places = places.assign(name=places.item_id, category="x", lat=np.linspace(40, 40.1, self.n), lon=-74.0)
        log = pd.DataFrame(visits, columns=["user_id", "item_id", "time"])
        source = lgsid.TableSource(places, log, time_zone="UTC")
        return lgsid.DatasetBuilder("circle", source, lgsid.TemporalSplit()).build()


@pytest.mark.parametrize(
    ("item_inputs", "loss"),
    [(IDInputs, FullSoftmax()), (SIDInputs, FullSoftmax()), (SummedInputs, SampledBCE(16))],
)
def test_it_learns_a_repeating_pattern(item_inputs, loss):
    city = Circle().make()
    data = SequenceData(city, semantic_ids(city), batch_size=32)
    L.seed_everything(1, verbose=False)
    model = SASRec(item_inputs(), loss, **SMALL, dropout=0.0, optimizer=lambda p: torch.optim.Adam(p, lr=0.01))
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    trainer = L.Trainer(max_epochs=8, accelerator="cpu", enable_model_summary=False, limit_val_batches=0, **quiet)
    trainer.fit(model, data)
    batch = sequence_batch(data.log, data.queries("test"), 50)
    assert float((model.rank(batch, 1).items[:, 0] == batch.target).double().mean()) > 0.98


def test_fit_test_predict_and_recommend_by_the_command_line(tmp_path, monkeypatch, capsys):
    city = toy_city(folder=tmp_path / "data")
    semantic_ids(city).write(tmp_path / "sids.parquet")
    monkeypatch.chdir(tmp_path)
    data = ["--data.dataset=data", "--data.sids=sids.parquet"]
    small = ["--trainer.max_epochs=1", "--model.width=8", "--model.max_length=10"]
    base = ["--config", "recommender/sasrec_sids.yaml", *data, *small]
    assert not main(["fit", *base, "--run-folder", "run"])
    for command in ("test", "predict"):
        assert not main([command, *base, "--ckpt_path", "run/model.ckpt", "--run-folder", f"run_{command}"])
    assert (tmp_path / "run_test" / "per_query.parquet").is_file()
    capsys.readouterr()
    asked = ["--history", ",".join(city.items.ids[:3]), "-k", "4"]
    assert not main(["recommend", "--checkpoint", "run/model.ckpt", "--dataset", "data", *asked])
    said = capsys.readouterr().out
    assert any(str(name) in said for name in city.items.frame["name"])
    model = lgsid.load("run/model.ckpt")
    assert isinstance(model.item_inputs, SummedInputs)
    served = SequenceData("data", "sids.parquet", max_history=50)
    served.setup()
    batch = served.batch(served.queries("test"))
    expected = model.rank(batch, 4)
    kept = torch.load("run/model.ckpt", weights_only=True)["state_dict"]
    assert all(torch.equal(kept[name], value) for name, value in model.state_dict().items())
    table = pd.read_parquet("run_predict/predictions.parquet")
    first = table[table["rank"] == 1].set_index("row").loc[batch.row.tolist(), "item_id"]
    assert first.tolist() == city.items.ids[expected.items[:, 0]].tolist()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_heads": 3}, "width 16 is no multiple of n_heads 3"),
        ({"n_blocks": 0}, "n_blocks must be at least 1"),
        ({"max_length": 0}, "max_length must be at least 1"),
        ({"dropout": 1.0}, "dropout must be at least 0 and less than 1"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(LgsidError, match=message):
        built(**options)


def test_wrong_inputs():
    with pytest.raises(LgsidError, match="NoSids reads no semantic IDs; use IDInputs"):
        SIDInputs(NoSids())
    with pytest.raises(LgsidError, match="parts is empty"):
        SummedInputs([])
    data = SequenceData(toy_city())
    data.setup()
    with pytest.raises(LgsidError, match="the data have no semantic IDs"):
        SASRec(SIDInputs(LevelSids(4))).ensure_built(data.shape)


def test_items_of_one_semantic_id_have_one_vector_and_the_sum_tells_them_apart():
    model, _ = built(SummedInputs([IDInputs(), SIDInputs()]))
    ids, sids = model.item_inputs.parts
    model.catalogue.codes[5] = model.catalogue.codes[4]
    vectors = table_of(model)
    assert torch.equal(sids(model.catalogue)[4], sids(model.catalogue)[5])
    torch.testing.assert_close(vectors, ids(model.catalogue) + sids(model.catalogue))
    assert not torch.equal(vectors[4], vectors[5])


def test_it_is_listed_and_has_short_names():
    assert {p.name: p for p in plugins.available("recommenders")}["SASRec"].distribution == "lgsid-sasrec"
    loaded = plugins.load()
    assert loaded["recommenders"]["SASRec"] is SASRec
    assert set(loaded["sasrec_inputs"]) == {"IDInputs", "SIDInputs", "SummedInputs"}
    assert set(loaded["sasrec_losses"]) == {"FullSoftmax", "SampledBCE"}
