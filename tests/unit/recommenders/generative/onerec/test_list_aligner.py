"""Preference alignment of lists: losses, rewards, what it starts from, and that it raises the reward."""

import logging
import math

import lightning as L
import numpy as np
import pytest
import torch

from lgsid import checkpoints
from lgsid.artefacts import SemanticIDs
from lgsid.datamodules import CTRData, SequenceData
from lgsid.errors import LgsidError
from lgsid.functional.distances import haversine_m
from lgsid.functional.policy import early_clipped_policy_loss, group_advantages
from lgsid.recommenders import DIN, TIGER, NearestPlace
from lgsid.recommenders.generative import (
    ECPO,
    BestWorstDPO,
    ClickReward,
    DistanceReward,
    DiversityReward,
    ListAligner,
    ListReward,
    LongHistory,
    OneRec,
    ReachabilityReward,
    VisitReward,
)
from lgsid.testing import RecommenderContract, quiet_trainer, toy_city

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
T5 = {"d_model": 8, "d_kv": 4, "d_ff": 12, "num_heads": 2, "num_layers": 1, "num_decoder_layers": 1}


def test_dpo_is_its_closed_form_on_best_and_worst():
    reward = torch.tensor([[0.1, 0.9, 0.4], [0.5, 0.5, 0.5], [0.2, 9.0, 0.7]], dtype=torch.float64)
    listed = torch.tensor([[True] * 3, [True] * 3, [True, False, True]])
    loss = BestWorstDPO(0.3)
    at = loss.chosen(reward, listed)
    assert at.tolist() == [[1, 0], [0, 0], [2, 0]]
    generator = torch.Generator().manual_seed(0)
    log_prob, reference = torch.randn(2, 3, 2, generator=generator, dtype=torch.float64)
    found = loss(log_prob, reference, reward.gather(1, at), listed.gather(1, at))
    gain = log_prob - reference
    expected = [math.log1p(math.exp(-0.3 * (gain[b, 0] - gain[b, 1]).item())) for b in (0, 2)]  # the second has no pair
    assert found.item() == pytest.approx(np.mean(expected))
    same = loss(reference, reference, reward.gather(1, at), listed.gather(1, at))
    assert same.item() == pytest.approx(math.log(2))
    x = log_prob.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: loss(x, reference, reward.gather(1, at), listed.gather(1, at)), x)
    loss(x, reference, reward.gather(1, at), listed.gather(1, at)).backward()
    assert (x.grad[[0, 2], 0] < 0).all()
    assert (x.grad[[0, 2], 1] > 0).all()
    assert not x.grad[1].any()


def test_dpo_without_a_pair_is_zero_and_has_a_gradient():
    x = torch.randn(3, 2, requires_grad=True)
    loss = BestWorstDPO()(x, x.detach(), torch.ones(3, 2), torch.ones(3, 2, dtype=torch.bool))
    loss.backward()
    assert loss.item() == 0
    assert not x.grad.any()


def test_ecpo_is_the_mean_over_the_lists_that_there_are():
    generator = torch.Generator().manual_seed(0)
    reward = torch.rand(4, 5, generator=generator, dtype=torch.float64)
    reward[3] = 0.5
    listed = torch.rand(4, 5, generator=generator) < 0.8
    reference = torch.randn(4, 5, generator=generator, dtype=torch.float64).masked_fill(~listed, -torch.inf)
    log_prob = (reference + 0.3 * torch.randn(4, 5, generator=generator, dtype=torch.float64)).requires_grad_()
    loss = ECPO(0.2, 0.1)
    assert torch.equal(loss.chosen(reward, listed), torch.arange(5).expand(4, 5))
    found = loss(log_prob, reference, reward, listed)
    advantage = group_advantages(reward, listed)
    each = early_clipped_policy_loss(log_prob, reference, advantage, 0.2, 0.1)
    assert found.item() == pytest.approx(each[listed].sum().item() / int(listed.sum()))
    found.backward()
    assert log_prob.grad.isfinite().all()
    ratio = (log_prob - reference).exp().detach()
    clipped = ((advantage > 0) & (ratio > 1.2)) | ((advantage < 0) & (ratio < 0.8))
    assert (clipped & listed).any()
    assert not log_prob.grad[clipped | ~listed | (advantage == 0)].any()


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    folder = tmp_path_factory.mktemp("town")
    items = toy_city(folder=folder).items
    row = np.arange(len(items))
    for name, first in (("sids", row % 5), ("others", row % 4)):
        codes = np.stack([first, row // 5 % 4, row // 20], 1)
        SemanticIDs(items.ids, codes, (5, 4, 7)).write(folder / f"{name}.parquet")
    return folder


def served(town, sids="sids.parquet", **options):
    data = SequenceData(str(town), str(town / sids), **options)
    data.setup()
    return data


@pytest.fixture(scope="module")
def start(town):
    """The checkpoint of a OneRec that was fitted a little."""
    L.seed_everything(0, verbose=False)
    model = OneRec(T5, 3, 1, list_length=3, long_history=LongHistory(2, 1, 2), recent_history=6, user_buckets=9)
    trainer = quiet_trainer(max_epochs=2, limit_val_batches=0)
    trainer.fit(model, served(town, batch_size=64))
    trainer.save_checkpoint(town / "onerec.ckpt")
    return town / "onerec.ckpt"


class TestListAligner(RecommenderContract):
    @pytest.fixture(autouse=True)
    def _made(self, town, start):
        data = served(town)
        model = ListAligner(start, ECPO(), [VisitReward()])
        model.take_catalogue(data)
        self.made = model.eval(), data

    def make(self):
        return self.made


def lists_of(n, n_items, length=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    lists = torch.stack([torch.randperm(n_items, generator=generator)[:length] for _ in range(3 * n)]).view(
        n, 3, length
    )
    lists[0, 0, 2:] = -1
    lists[1, 2] = -1
    return lists


def test_rewards_are_their_closed_forms(town, start):
    model, data = checkpoints.load(start), served(town)
    batch, items = data.batch(data.queries("test")[:6]), data.dataset.items
    batch.history[2] = -1  # nobody knows where this one is
    lists = lists_of(6, len(items))
    lists[3, 1, 1] = batch.target[3]
    lists[4, 0, 0] = batch.target[4]
    kinds = (VisitReward(), DistanceReward(1.5), ReachabilityReward(2.0), DiversityReward())
    found = [kind(lists, batch, model.catalogue) for kind in kinds]
    category = items.frame["category"].to_numpy()
    for b, query in enumerate(lists.tolist()):
        last = int(batch.history[b, -1])
        for g, one in enumerate(query):
            places = [item for item in one if item >= 0]
            km = [
                haversine_m(*(torch.tensor(v[i]) for i in (last, p) for v in (items.lat_deg, items.lon_deg))).item()
                / 1e3
                if last >= 0
                else math.inf
                for p in places
            ]
            n = max(len(places), 1)
            rank = places.index(batch.target[b]) + 1 if batch.target[b] in places else math.inf
            expected = (
                1 / math.log2(1 + rank) if rank < math.inf else 0.0,
                sum(math.exp(-x / 1.5) for x in km) / n,
                sum(x <= 2.0 for x in km) / n,
                len(set(category[places])) / n if places else 0.0,
            )
            assert [reward[b, g].item() for reward in found] == pytest.approx(expected, abs=1e-5)
    assert found[0][4, 0] == 1


def test_the_click_reward_is_the_mean_probability_of_the_model(town, start):
    model, data = checkpoints.load(start), served(town)
    torch.manual_seed(0)
    din, samples = DIN(attention_units=6), CTRData(str(town), str(town / "sids.parquet"))
    samples.setup()
    din.ensure_built(samples.shape)
    din.take_catalogue(samples)
    din.eval()
    reward = ClickReward(din, history=4)
    assert "model" not in reward.constructor_arguments()
    assert not list(reward.parameters())
    with pytest.raises(LgsidError, match="call `prepare` first"):
        reward(torch.zeros(1, 1, 1, dtype=torch.long), None, model.catalogue)
    reward.prepare(model.catalogue)
    batch = data.batch(data.queries("test")[:6])
    lists = lists_of(6, len(data.dataset.items), seed=1)
    found = reward(lists, batch, model.catalogue)
    for b in range(6):
        for g in range(3):
            places = lists[b, g][lists[b, g] >= 0]
            alone = batch.take(torch.tensor([b])).recent(4)
            with torch.no_grad():
                expected = (
                    din.candidate_scores(alone, places[None]).sigmoid().mean() if len(places) else torch.zeros(())
                )
            assert found[b, g].item() == pytest.approx(expected.item(), abs=1e-5)
    nearest = NearestPlace()
    nearest.ensure_built(samples.shape)
    with pytest.raises(LgsidError, match="NearestPlace gives no probability"):
        ClickReward(nearest).prepare(model.catalogue)
    with pytest.raises(LgsidError, match="no model given"):
        ClickReward().prepare(model.catalogue)
    model.catalogue.lat_deg += 1
    with pytest.raises(LgsidError, match="trained on other places"):
        reward.prepare(model.catalogue)


def weights_of(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(one, other):
    return set(one) == set(other) and all(torch.equal(value, other[name]) for name, value in one.items())


@pytest.mark.parametrize("loss", [BestWorstDPO(1.0), ECPO()])
def test_the_reference_is_where_the_stage_starts(town, start, tmp_path, loss):
    before = weights_of(checkpoints.load(start))
    L.seed_everything(0, verbose=False)
    optimizer = lambda p: torch.optim.AdamW(p, lr=1e-2)  # noqa: E731
    model = ListAligner(start, loss, [DistanceReward()], n_lists=3, beam_width=4, optimizer=optimizer)
    assert same(weights_of(model.policy), before)
    assert same(weights_of(model.reference), before)
    data = served(town, batch_size=16, val_queries=20)
    trainer = quiet_trainer(max_epochs=1, limit_train_batches=3)
    trainer.fit(model, data)
    assert {"val/reward", "val/reference_reward", "val/hit@10"} <= set(trainer.callback_metrics)
    assert same(weights_of(model.reference), before)
    assert not same(weights_of(model.policy), before)
    trainer.save_checkpoint(tmp_path / "aligned.ckpt")
    start.rename(town / "moved.ckpt")  # it is not needed any more
    try:
        loaded = checkpoints.load(tmp_path / "aligned.ckpt", ListAligner)
    finally:
        (town / "moved.ckpt").rename(start)
    assert same(weights_of(loaded.reference), before)
    assert same(weights_of(loaded.policy), weights_of(model.policy))
    batch = data.batch(data.queries("test")[:5])
    assert torch.equal(loaded.rank(batch, 9).scores, model.rank(batch, 9).scores)
    assert loaded.title == f"OneRec + {type(loss).__name__}"
    further = ListAligner(tmp_path / "aligned.ckpt", loss, [DistanceReward()])  # the next iteration
    assert same(weights_of(further.reference), weights_of(model.policy))


def test_an_iteration_within_the_stage_renews_the_reference(town, start):
    model = ListAligner(start, BestWorstDPO(), [DistanceReward()], n_lists=2, beam_width=2, iteration_steps=2)
    before = weights_of(model.reference)
    seen = []

    class Watch(L.Callback):
        def on_train_batch_end(self, trainer, module, *_):
            seen.append(weights_of(module.reference))

    trainer = quiet_trainer(max_epochs=1, limit_train_batches=3, limit_val_batches=0, callbacks=[Watch()])
    trainer.fit(model, served(town, batch_size=8))
    assert same(seen[0], before)
    assert same(seen[1], before)
    assert not same(seen[2], before)
    assert not same(seen[2], weights_of(model.policy))


class EvenRows(ListReward):
    """Somebody's own reward: places of even rows."""

    def forward(self, lists, batch, catalogue):
        return ((lists % 2 == 0) & (lists >= 0)).float().mean(2)


@pytest.mark.parametrize(("iteration_steps", "least"), [(None, 0.15), (5, 0.8)])
@pytest.mark.parametrize("loss", [BestWorstDPO(0.5), ECPO(0.2, 0.1)])
def test_an_iteration_raises_the_reward_and_more_of_them_more(town, start, loss, iteration_steps, least):
    L.seed_everything(0, verbose=False)
    optimizer = lambda p: torch.optim.Adam(p, lr=5e-3)  # noqa: E731
    rewards = [EvenRows(), DiversityReward(0.01)]
    options = {"n_lists": 6, "nll_weight": 0.1, "iteration_steps": iteration_steps, "optimizer": optimizer}
    model, data = ListAligner(start, loss, rewards, **options), served(town, batch_size=32)
    batch = data.batch(data.queries("val")[:60])
    found = model.reference.lists(batch, 3, 6).items[:, :1]
    before = model.reward(found, batch).mean()
    expected = sum(r.weight * r(found, batch, model.catalogue) for r in rewards).mean()
    assert before.item() == pytest.approx(expected.item())
    quiet_trainer(max_epochs=3, limit_train_batches=8, limit_val_batches=0).fit(model, data)
    after = model.reward(model.policy.lists(batch, 3, 6).items[:, :1], batch).mean()
    assert after > before + least


def test_dropout_is_off_and_the_reference_learns_nothing(town, start):
    model = ListAligner(start, BestWorstDPO(), [DistanceReward()]).train()
    assert model.training
    assert not any(part.training for part in model.policy.modules())
    assert not any(part.training for part in model.reference.modules())
    assert not any(parameter.requires_grad for parameter in model.reference.parameters())
    assert all(parameter.requires_grad for parameter in model.policy.parameters())


def test_a_model_from_python_is_copied_without_its_trainer(town):
    L.seed_everything(0, verbose=False)
    policy, data = OneRec(T5, 3, 1, list_length=2, user_buckets=9), served(town, batch_size=16)
    quiet_trainer(max_epochs=1, limit_train_batches=1, limit_val_batches=0).fit(policy, data)
    model = ListAligner(policy, ECPO(), [VisitReward()], n_lists=2)
    assert same(weights_of(model.policy), weights_of(policy))
    assert model.policy is not policy
    fresh = ListAligner(OneRec(T5, 3, 1, list_length=2, user_buckets=9), ECPO(), [VisitReward()], n_lists=2)
    quiet_trainer(max_epochs=1, limit_train_batches=0, limit_val_batches=0).fit(fresh, data)
    assert same(weights_of(fresh.policy), weights_of(fresh.reference))


def test_what_does_not_fit_is_one_line(town, start):
    with pytest.raises(LgsidError, match="start is missing"):
        ListAligner(loss=ECPO(), rewards=[VisitReward()])
    for arguments in ((None, [VisitReward()]), (ECPO(), [])):
        with pytest.raises(LgsidError, match="needs a loss, and at least one of rewards"):
            ListAligner(start, *arguments)
    with pytest.raises(LgsidError, match="TIGER generates no lists; start from a OneRec"):
        ListAligner(TIGER(), ECPO(), [VisitReward()])
    with pytest.raises(LgsidError, match="n_lists must be at least 2, not 1"):
        ListAligner(start, ECPO(), [VisitReward()], n_lists=1)
    model = ListAligner(start, ECPO(), [VisitReward()])
    with pytest.raises(LgsidError, match="other semantic IDs"):
        quiet_trainer(max_epochs=1).fit(model, served(town, "others.parquet"))
    for wrong in (lambda: BestWorstDPO(0.0), lambda: ECPO(1.5), lambda: ECPO(0.2, 0.0)):
        with pytest.raises(LgsidError):
            wrong()
    for wrong in (lambda: DistanceReward(0.0), lambda: ReachabilityReward(-1.0), lambda: VisitReward(math.nan)):
        with pytest.raises(LgsidError):
            wrong()
