"""OneRec: lists, their probabilities, the ranking that they become; training, checkpoints."""

import itertools
import logging
from dataclasses import replace

import lightning as L
import numpy as np
import pandas as pd
import pytest
import torch

from lgsid import checkpoints
from lgsid.artefacts import Dataset, Interactions, Items, SemanticIDs
from lgsid.datamodules import SequenceData
from lgsid.errors import LgsidError
from lgsid.geo import LocalMetresGeoEncoder
from lgsid.recommenders.generative import (
    BalanceLoss,
    BestFirstSearch,
    ListOrder,
    LongHistory,
    LossFreeBalance,
    OneRec,
    SeparateTokens,
)
from lgsid.testing import GenerativeRecommenderContract, RecommenderContract, quiet_trainer, toy_city

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
T5 = {"d_model": 8, "d_kv": 4, "d_ff": 12, "num_heads": 2, "num_layers": 1, "num_decoder_layers": 2}


def untrained(folder, sids="sids.parquet", **options):
    torch.manual_seed(0)
    data = SequenceData(str(folder), None if sids is None else str(folder / sids))
    data.setup()
    model = OneRec(
        **{
            "t5": T5,
            "n_experts": 4,
            "list_length": 3,
            "long_history": LongHistory(2, 1, 2),
            "query_position": LocalMetresGeoEncoder(),
            "recent_history": 5,
            "user_buckets": 3,
            "beam_width": 12,
            **options,
        }
    )
    model.ensure_built(data.shape)
    model.take_catalogue(data)
    return model.eval(), data


class TestOneRec(GenerativeRecommenderContract):
    @pytest.fixture(autouse=True)
    def _folder(self, toy_folder):
        self.folder = toy_folder

    def make(self):
        return untrained(self.folder)


class TestFirstPaperOnPlainIDs(GenerativeRecommenderContract):
    """One encoder, no position, one token per code; every item its own code."""

    @pytest.fixture(autouse=True)
    def _folder(self, toy_folder):
        self.folder = toy_folder

    def make(self):
        plain = {
            "long_history": None,
            "query_position": None,
            "history_tokens": SeparateTokens(),
            "balance": BalanceLoss(),
        }
        return untrained(self.folder, None, **plain)


class TestListOrder(RecommenderContract):
    @pytest.fixture(autouse=True)
    def _folder(self, toy_folder):
        self.folder = toy_folder

    def make(self):
        return untrained(self.folder, ranking=ListOrder(3))


FEW = torch.tensor([0, 1, 2, 12, 13, 24, 30])
"""Seven places of the city; some share a semantic ID."""


@pytest.fixture(scope="module")
def colliding(tmp_path_factory):
    """A city in which five places share each semantic ID."""
    folder = tmp_path_factory.mktemp("colliding")
    items = toy_city(folder=folder).items
    row = np.arange(len(items))
    SemanticIDs(items.ids, np.stack([row % 3, row // 3 % 4], 1), (3, 4)).write(folder / "sids.parquet")
    return folder


def log_prob_of(model, batch, places):
    """Log-probability of a list for each query, by teacher forcing."""
    lists = torch.tensor(places).expand(len(batch), -1)
    with torch.no_grad():
        return model.list_log_probs(lists, model.encode_queries(batch))


def test_lists_are_those_of_brute_force(colliding):
    model, data = untrained(colliding)
    batch = data.batch(data.queries("test")[:5])
    allowed = torch.zeros(len(model.catalogue), dtype=torch.bool).index_fill(0, FEW, True)
    all_lists = list(itertools.permutations(FEW.tolist(), 3))
    steps = torch.stack([log_prob_of(model, batch, one) for one in all_lists], 1)  # (B, 210, 3)
    found = model.lists(batch, 3, len(all_lists), allowed)
    best = steps.sum(2).sort(1, descending=True)
    assert torch.allclose(found.log_prob, best.values, atol=1e-4)
    number = {one: at for at, one in enumerate(all_lists)}
    rows = torch.tensor([[number[tuple(one)] for one in lists] for lists in found.items.tolist()])
    assert (rows.sort(1).values == torch.arange(210)).all()  # every list, once: no place is ever repeated
    assert torch.allclose(found.steps, steps.gather(1, rows[..., None].expand(-1, -1, 3)), atol=1e-4)


@pytest.mark.parametrize("search", [None, BestFirstSearch()])
def test_narrow_beams_repeat_nothing_and_name_places_that_exist(toy_folder, search):
    model, data = untrained(toy_folder, search=search, beam_width=2)
    n = len(model.catalogue)
    batch = data.batch(data.queries("test")[:9])
    allowed = torch.rand(9, n, generator=torch.Generator().manual_seed(0)) < 0.15
    for mask in (None, allowed, torch.arange(n) < 4):
        found = model.lists(batch, 6, 5, mask)
        assert found.items.shape == (9, 5, 6)
        masks = torch.ones(9, n, dtype=torch.bool) if mask is None else mask.expand(9, n)
        for b, lists in enumerate(found.items.tolist()):
            for at, one in enumerate(lists):
                if not found.listed[b, at]:
                    continue
                real = [item for item in one if item >= 0]
                assert one == real + [-1] * (6 - len(real))
                assert len(set(real)) == len(real)
                assert len(real) == min(6, int(masks[b].sum()))
                assert all(bool(masks[b, item]) for item in real)
                lists_again = torch.tensor(one)[None]
                with torch.no_grad():
                    steps = model.list_log_probs(lists_again, model.encode_queries(batch.take(torch.tensor([b]))))
                assert torch.allclose(found.steps[b, at], steps[0], atol=1e-4)
            kept = found.items[b][found.listed[b]].tolist()
            assert len({tuple(one) for one in kept}) == len(kept)
        assert torch.allclose(found.steps.sum(2)[found.listed], found.log_prob[found.listed], atol=1e-5)
        assert (found.log_prob[:, :-1] >= found.log_prob[:, 1:]).all()
    nothing = model.lists(batch, 2, 3, torch.zeros(n, dtype=torch.bool))
    assert not nothing.listed.any()
    assert (nothing.items == -1).all()


def test_one_query_alone_gets_the_lists_that_it_gets_among_others(toy_folder):
    model, data = untrained(toy_folder)
    rows = data.queries("test")[:6]
    together = model.lists(data.batch(rows), 3, 4)
    for b in range(6):
        alone = model.lists(data.batch(rows[b : b + 1]), 3, 4)
        assert torch.allclose(alone.log_prob[0], together.log_prob[b], atol=1e-4)


def test_padding_does_not_matter(toy_folder):
    model, data = untrained(toy_folder)
    batch = data.batch(data.queries("test")[:6]).recent(9)

    def padded(values, fill):
        return torch.cat([torch.full_like(values[:, :4], fill), values], 1)

    wide = replace(
        batch,
        history=padded(batch.history, -1),
        history_age_s=padded(batch.history_age_s, 0),
        history_hour=padded(batch.history_hour, 0),
        history_weekday=padded(batch.history_weekday, 0),
    )
    one, other = model.lists(batch, 3, 2), model.lists(wide, 3, 2)
    assert torch.equal(one.items, other.items)
    assert torch.allclose(one.log_prob, other.log_prob, atol=1e-4)


def test_the_list_order_is_the_best_list_and_first_places_behind_it(colliding):
    model, data = untrained(colliding, ranking=ListOrder(210))
    batch = data.batch(data.queries("test")[:5])
    allowed = torch.zeros(len(model.catalogue), dtype=torch.bool).index_fill(0, FEW, True)
    ranked = model.rank(batch, 7, allowed)
    assert not model.scores_are_log_probs
    first = torch.stack([log_prob_of(model, batch, [item])[:, 0] for item in range(60)], 1)
    best = model.lists(batch, 3, 210, allowed)
    for b in range(5):
        head = best.items[b, 0].tolist()
        rest = [item for item in first[b].argsort(descending=True).tolist() if allowed[item] and item not in head]
        assert ranked.items[b, :3].tolist() == head
        assert torch.allclose(ranked.scores[b, :3], best.steps[b, 0].cumsum(0), atol=1e-5)
        assert torch.allclose(first[b][ranked.items[b, 3:]], first[b][rest], atol=1e-4)
        assert torch.allclose(ranked.scores[b, 3:], best.log_prob[b, 0] + first[b][rest], atol=1e-4)


def test_targets_are_the_next_different_places(toy_folder):
    model, data = untrained(toy_folder)
    rows = data.queries("train")[-60:]
    batch, log = data.batch(rows), data.log
    lists = model.target_lists(batch)
    for row, found in zip(rows, lists.tolist(), strict=True):
        later = np.flatnonzero((log.user == log.user[row]) & (log.split == "train") & (np.arange(len(log)) >= row))
        expected = list(dict.fromkeys(log.item[later[:12]].tolist()))[:3]
        assert found == expected + [-1] * (3 - len(expected))
    assert torch.equal(lists[:, 0], batch.target)
    unknown = model.target_lists(data.batch(data.queries("test")[:4]))
    assert torch.equal(unknown[:, 0], data.batch(data.queries("test")[:4]).target)
    assert (unknown[:, 1:] == -1).all()


def test_the_loss_is_the_mean_over_the_places_of_the_lists(toy_folder):
    model, data = untrained(toy_folder)
    batch = data.batch(data.queries("train")[-40:])
    lists, steps = model.target_lists(batch), []
    assert (lists == -1).any()
    for b, one in enumerate(lists.tolist()):
        places = [item for item in one if item >= 0]
        steps += log_prob_of(model, batch.take(torch.tensor([b])), places)[0].tolist()
    assert model.list_loss(batch).item() == pytest.approx(-np.mean(steps), abs=1e-4)
    single = model.list_log_probs(lists[:, :1], model.encode_queries(batch))[:, 0]
    assert torch.allclose(single, model.item_log_prob(batch, batch.target), atol=1e-5)


@pytest.mark.parametrize("what", ["hour", "weekday", "position", "long past"])
def test_the_query_is_read(toy_folder, what):
    model, data = untrained(toy_folder)
    batch = data.batch(data.queries("test")[:8])
    assert batch.history.shape[1] > 6
    before = model.encode_queries(batch).query_state.detach()
    if what == "position":  # of the last place alone, not its codes
        model.catalogue.lat_deg += 0.02
    changed = {
        "hour": {"hour": (batch.hour + 5) % 24},
        "weekday": {"weekday": (batch.weekday + 1) % 7},
        "long past": {"history": torch.cat([(batch.history[:, :-5] + 1) % 60, batch.history[:, -5:]], 1)},
    }
    after = model.encode_queries(replace(batch, **changed.get(what, {}))).query_state
    assert not torch.allclose(before, after, atol=1e-4)


@pytest.fixture(scope="module")
def repeating(tmp_path_factory):
    """A city in which every user goes the same round of four places of their own."""
    folder = tmp_path_factory.mktemp("repeating")
    n_users, n_rounds = 6, 12
    n = 4 * n_users
    rng = np.random.default_rng(0)
    items = pd.DataFrame({"item_id": [f"i{k:02d}" for k in range(n)], "name": "x", "category": "c"})
    items = items.assign(category_group="g", brand="", region_1="r", lat=40.7 + rng.random(n) / 10)
    items["lon"] = -74 + rng.random(n) / 10
    step, user = np.divmod(np.arange(n_users * 4 * n_rounds), n_users)
    time = pd.Timestamp("2012-04-03", tz="UTC") + pd.to_timedelta(step * 3600 + user, unit="s")
    split = np.select([step < 40, step < 42], ["train", "val"], "test")
    place = 4 * user + step % 4
    log = pd.DataFrame({"user_id": [f"u{u}" for u in user], "item_id": [f"i{k:02d}" for k in place]})
    log = log.assign(time=time, hour=time.hour, weekday=time.day_of_week, split=split)
    Dataset(Items.from_frame(items), Interactions(log), {"regions": ["r"]}).write(folder)
    row = np.arange(n)
    SemanticIDs(np.array(items["item_id"], dtype=object), np.stack([row % 5, row // 5], 1), (5, 5)).write(
        folder / "sids.parquet"
    )
    return folder


def test_it_learns_the_round_of_each_user_and_comes_back_from_its_checkpoint(repeating, tmp_path):
    L.seed_everything(0, verbose=False)
    data = SequenceData(str(repeating), str(repeating / "sids.parquet"), batch_size=24)
    t5 = {**T5, "d_model": 32, "d_kv": 16, "d_ff": 32, "dropout_rate": 0.0}
    model = OneRec(
        t5=t5,
        n_experts=4,
        list_length=4,
        recent_history=6,
        user_buckets=50,
        long_history=LongHistory(2, 1, 2),
        query_position=LocalMetresGeoEncoder(),
        balance=LossFreeBalance(0.01),
        optimizer=lambda p: torch.optim.AdamW(p, lr=1e-2),
    )
    trainer = quiet_trainer(max_epochs=12, limit_val_batches=0, gradient_clip_val=1.0)
    trainer.fit(model, data)
    model.eval()
    batch = data.batch(data.queries("test"))
    assert (model.rank(batch, 1).items[:, 0] == batch.target).float().mean() > 0.95
    lists = model.lists(batch, 4, 2).items[:, 0]
    place = batch.target % 4
    expected = torch.stack([batch.target - place + (place + ahead) % 4 for ahead in range(4)], 1)
    assert (lists == expected).float().mean() > 0.9
    assert all(layer.balance.bias.any() for layer in model.expert_layers)
    trainer.save_checkpoint(tmp_path / "model.ckpt")
    loaded = checkpoints.load(tmp_path / "model.ckpt", OneRec)
    again = loaded.lists(batch, 4, 2)
    assert torch.equal(again.items[:, 0], lists)
    assert torch.equal(loaded.rank(batch, 5).scores, model.rank(batch, 5).scores)


def test_arguments_out_of_range_are_refused():
    with pytest.raises(LgsidError, match="list_length must be at least 1, not 0"):
        OneRec(list_length=0)
    with pytest.raises(LgsidError, match=r"n_active must be within 1..n_experts, 1..2, not 3"):
        OneRec(n_experts=2, n_active=3)
    with pytest.raises(LgsidError, match="n_lists must be at least 1, not 0"):
        ListOrder(0)
