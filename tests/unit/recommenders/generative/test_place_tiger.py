"""TIGER and its parts: probabilities, decoding, copying, training, checkpoints."""

import dataclasses
import logging
import re

import lightning as L
import numpy as np
import pandas as pd
import pytest
import torch

from lgsid.artefacts import Dataset, Interactions, Items, SemanticIDs
from lgsid.datamodules.sequence_data import SequenceData
from lgsid.errors import LgsidError
from lgsid.functional.ranking import pessimistic_rank
from lgsid.recommenders.generative import HistoryCopy, NodeGeography, PlaceTIGER, SeparateTokens
from lgsid.recommenders.generative.history_copy import (
    N_EVENT,
    N_PLACE,
    N_SUMMARY,
    describe_events,
    describe_places,
    match_codes,
    summary,
)
from lgsid.recommenders.generative.visits import Visits
from lgsid.testing import quiet_trainer

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
N, M = 23, 260
T5 = {"d_model": 16, "d_kv": 4, "d_ff": 24, "num_heads": 2, "num_layers": 1, "num_decoder_layers": 1}
CODES = {
    "unique": (np.stack([np.arange(N) % 4, np.arange(N) // 4 % 3, np.arange(N)], 1), (5, 4, N)),
    "colliding": (np.stack([np.arange(N) % 3, np.arange(N) // 3 % 2], 1), (3, 7)),
    "one level": (np.arange(N)[:, None] // 2, (N,)),
}


def write_town(folder, seed=0):
    """Users who alternate between two places of their own, and sometimes roam."""
    rng = np.random.default_rng(seed)
    items = pd.DataFrame({"item_id": [f"i{k:02d}" for k in range(N)], "name": "x", "category": "c"})
    items = items.assign(category_group="g", brand="", region_1="r", lat=40.7 + rng.random(N) / 10)
    items["lon"] = -74 + rng.random(N) / 10
    user = rng.integers(0, 6, M)
    turn = np.array([(user[:i] == u).sum() for i, u in enumerate(user)])
    item = np.where(rng.random(M) < 0.2, rng.integers(0, N, M), user * 3 + turn % 2)
    time = pd.Timestamp("2012-04-03", tz="UTC") + pd.to_timedelta(np.sort(rng.integers(0, 40 * 86400, M)), unit="s")
    log = {"user_id": [f"u{u}" for u in user], "item_id": [f"i{k:02d}" for k in item], "time": time}
    log |= {"hour": time.hour, "weekday": time.day_of_week, "split": ["train"] * 180 + ["val"] * 30 + ["test"] * 50}
    Dataset(Items.from_frame(items), Interactions(pd.DataFrame(log)), {"regions": ["r"]}).write(folder)
    for name, (codes, sizes) in CODES.items():
        ids = np.array(items["item_id"], dtype=object)
        SemanticIDs(ids, codes.astype(np.int64), sizes).write(folder / f"{name}.parquet")


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    folder = tmp_path_factory.mktemp("town")
    write_town(folder)
    return folder


def make(town, kind="unique", full=True, seed=0, **options):
    torch.manual_seed(seed)
    data = SequenceData(str(town), None if kind == "items" else str(town / f"{kind}.parquet"), batch_size=32)
    data.setup()
    parts = {"copy": HistoryCopy(8, 4), "node_logits": [NodeGeography(4)]} if full else {}
    model = PlaceTIGER(t5=T5, encoder_history=5, user_buckets=3, **{**parts, **options})
    model.ensure_built(data.shape)
    model.take_catalogue(data)
    return model.eval(), data


@torch.no_grad()
def all_log_probs(model, batch):
    """Score every item by teacher forcing, one at a time: no tree search involved."""
    return torch.stack([model.log_probs(batch, torch.full_like(batch.user, item))[0] for item in range(N)], 1)


KINDS = [*CODES, "items"]


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_probabilities_of_all_items_sum_to_one(town, kind, full):
    model, data = make(town, kind, full)
    batch = data.batch(np.array([0, 5, 90, M - 1]))  # the first has no history at all
    p = all_log_probs(model, batch).exp()
    assert torch.allclose(p.sum(1), torch.ones(4), atol=1e-4)
    whole, generated = model.log_probs(batch, batch.target)
    assert full or torch.equal(whole, generated)


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_exhaustive_beam_is_brute_force(town, kind, full):
    model, data = make(town, kind, full, beam_width=N)
    batch = data.batch(np.arange(100, 112))
    log_p = all_log_probs(model, batch)
    ranked = model.rank(batch, N)
    assert torch.allclose(ranked.scores, log_p.gather(1, ranked.items), atol=1e-4)
    assert (ranked.items.sort(1).values == torch.arange(N)).all()
    allowed = torch.rand(12, N, generator=torch.Generator().manual_seed(0)) < 0.4
    among = model.rank(batch, N, allowed)
    for b in range(12):
        listed = among.items[b][among.items[b] >= 0]
        assert set(listed.tolist()) == set(allowed[b].nonzero()[:, 0].tolist())
        assert torch.equal(listed, ranked.items[b][allowed[b][ranked.items[b]]])  # a filter keeps the order
    shared = model.rank(batch, N, allowed[0])
    assert torch.equal(shared.items[0], among.items[0])


def test_target_rank_agrees_with_full_ranking(town):
    model, data = make(town, beam_width=N)
    batch = data.batch(np.arange(60, 80))
    assert torch.equal(model.target_rank(batch), pessimistic_rank(all_log_probs(model, batch), batch.target))


def test_untrained_narrow_beam_returns_existing_items_only_and_the_same_again(town):
    model, data = make(town, "colliding", beam_width=3)
    batch = data.batch(np.arange(40, 60))
    first, again = model.train().rank(batch, 7), model.rank(batch, 7)
    assert model.training
    assert torch.equal(first.items, again.items)
    assert torch.equal(first.scores, again.scores)
    assert (first.items >= 0).all()
    assert all(len(set(row)) == 7 for row in first.items.tolist())
    assert (first.scores[:, :-1] >= first.scores[:, 1:]).all()
    assert (model.rank(batch, N + 5).items[:, N:] == -1).all()


def test_batch_size_does_not_matter(town):
    model, data = make(town)
    rows = np.arange(1, 200, 11)
    together = model.rank(data.batch(rows), 5)
    loss = model.log_probs(data.batch(rows), data.batch(rows).target)[0]
    for b, row in enumerate(rows):
        alone = data.batch(rows[b : b + 1])
        assert torch.allclose(model.rank(alone, 5).scores[0], together.scores[b], atol=1e-4), row
        assert torch.allclose(model.log_probs(alone, alone.target)[0][0], loss[b], atol=1e-4)


def test_target_and_newness_are_not_looked_at(town):
    model, data = make(town)
    batch = data.batch(np.arange(50, 70))
    blind = dataclasses.replace(batch, target=torch.full_like(batch.target, -1), is_new=~batch.is_new)
    assert torch.equal(model.rank(batch, 6).items, model.rank(blind, 6).items)


def test_copied_mass_of_ranges_is_the_loop(town):
    model, data = make(town, "colliding")
    batch = data.batch(np.arange(0, 30, 3))
    with torch.no_grad():
        scorer = model.prefix_scorer(batch)
    attention = model.point(
        batch, Visits.of(batch.history), model.encode_queries(batch).query_state
    ).log_attention.exp()
    for depth, level in enumerate(model.catalogue.trie.levels):
        for node in range(len(level.code)):
            query = torch.arange(10)
            found = scorer.parts[0][1].between(query, level.start[node].expand(10), level.end[node].expand(10))
            inside = (model.catalogue.trie.path[batch.history.clamp_min(0), depth] == node) & (batch.history >= 0)
            assert torch.allclose(found.float(), (attention * inside).sum(1), atol=1e-6)
            assert (found[~inside.any(1)] == 0).all()


def test_features_are_finite_and_as_many_as_said(town):
    _, data = make(town)
    for rows in (np.array([0]), np.arange(30, 60)):
        batch = data.batch(rows)
        visits = Visits.of(batch.history)
        shape = batch.history.shape
        for found, width in (
            (describe_events(batch, torch.rand(shape)), N_EVENT),
            (describe_places(batch, visits), N_PLACE),
            (match_codes(torch.randint(0, 3, (*shape, 4)), batch.history >= 0), 8),
        ):
            assert found.shape == (*shape, width)
            assert found.isfinite().all()
        found = summary(batch, visits, torch.zeros(shape).log_softmax(1))
        assert found.shape == (len(rows), N_SUMMARY)
        assert found.isfinite().all()


def test_visits_are_the_loop(town):
    _, data = make(town)
    batch = data.batch(np.arange(0, M, 7))
    visits = Visits.of(batch.history)
    for b, row in enumerate(batch.history.tolist()):
        first = [i >= 0 and i not in row[:t] for t, i in enumerate(row)]
        assert visits.first[b].tolist() == first
        assert [row[visits.group_of[b].tolist().index(g)] for g in visits.group_of[b].tolist()] == row
        places = [i for i in row if i >= 0]
        most_visited = max(sorted(set(places)), key=places.count) if places else -1
        assert int(visits.most_visited[b]) == most_visited


@pytest.mark.parametrize("options", [{}, {"history_tokens": SeparateTokens()}, {"copy": None}])
def test_every_parameter_gets_a_gradient(town, options):
    model, data = make(town, "colliding", **options)
    model.train()
    batch = data.batch(np.arange(20, 180))
    whole, generated = model.log_probs(batch, batch.target)
    (-whole.mean() - 0.1 * generated.mean()).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        # a shift of all children, or of all past check-ins, alike
        shift = re.fullmatch(r"node_logits\.0\.networks\.\d+\.2\.bias|copy\.network\.4\.bias", name)
        if not shift:
            assert parameter.grad.abs().sum() > 0, name


def fit(town, epochs=10, **options):
    L.seed_everything(1, verbose=False)
    data = SequenceData(str(town), str(town / "unique.parquet"), batch_size=32)
    model = PlaceTIGER(
        t5=T5, encoder_history=5, copy=HistoryCopy(8, 4), node_logits=[NodeGeography(4)], beam_width=12, **options
    )
    trainer = quiet_trainer(max_epochs=epochs)
    trainer.fit(model, data)
    return model, data, trainer


@pytest.fixture(scope="module")
def fitted(town):
    return fit(town)


def test_training_learns_to_alternate_and_metrics_are_logged(town, fitted, tmp_path):
    model, data, trainer = fitted
    assert trainer.callback_metrics["val/hit@1"] > 0.3
    trainer.test(model, data, verbose=False)
    metrics = trainer.callback_metrics
    assert metrics["test/hit@1"] > 0.4  # chance is 1 in 23, always repeating the last place gives nothing
    for name in ("ndcg@5", "mrr@10", "new/hit@10", "revisit/hit@1", "km@10", "unreachable@5", "catalogue_coverage@1"):
        assert f"test/{name}" in metrics
    assert metrics["test/explore/hit@10"] >= metrics["test/new/hit@10"]
    model.export(tmp_path)
    table = pd.read_parquet(tmp_path / "per_query.parquet")
    assert sorted(table["row"]) == data.queries("test").tolist()
    assert (table["rank"] <= 1).mean() == pytest.approx(float(metrics["test/hit@1"]))
    assert ((table["explore_rank"] > 0) == table["is_new"]).all()
    assert (table["explore_rank"] <= table["rank"])[table["is_new"]].all()


def test_same_seed_same_model(town):
    first, again = fit(town, 2)[0], fit(town, 2)[0]
    for (name, one), two in zip(first.state_dict().items(), again.state_dict().values(), strict=True):
        assert torch.equal(one, two), name


def test_checkpoint_round_trip(town, fitted, tmp_path):
    model, data, trainer = fitted
    trainer.save_checkpoint(tmp_path / "model.ckpt", weights_only=True)
    parts = {"copy": HistoryCopy(8, 4), "node_logits": [NodeGeography(4)]}
    loaded = PlaceTIGER.load_from_checkpoint(tmp_path / "model.ckpt", weights_only=True, **parts).eval()
    batch = data.batch(np.arange(200, 220))
    model.eval()
    assert torch.equal(loaded.rank(batch, 9).items, model.rank(batch, 9).items)
    assert torch.equal(loaded.catalogue.lat_deg, model.catalogue.lat_deg)

    fresh = PlaceTIGER(t5=T5, encoder_history=5, beam_width=12, copy=HistoryCopy(8, 4), node_logits=[NodeGeography(4)])
    other = SequenceData(str(town), str(town / "colliding.parquet"))
    with pytest.raises(LgsidError, match="codebooks"):
        quiet_trainer().test(fresh, other, ckpt_path=tmp_path / "model.ckpt", verbose=False)
