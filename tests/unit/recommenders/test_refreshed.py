"""A trained recommender for data that have grown: the weights stay, what is counted is that of the new data."""

import logging
from dataclasses import replace

import lightning as L
import numpy as np
import pytest
import torch

from lgsid import checkpoints
from lgsid.artefacts import Dataset, Embeddings, Interactions, SemanticIDs
from lgsid.datamodules import SequenceData
from lgsid.errors import LgsidError
from lgsid.geo import LocalMetresGeoEncoder
from lgsid.recommenders import (
    DIN,
    TIGER,
    ContentEvidence,
    DistanceEvidence,
    EvidenceNetwork,
    HistoryCopy,
    LossFreeBalance,
    NewPlaceRanker,
    NodeContent,
    NodeGeography,
    NoSids,
    OneRec,
    PlaceGenerator,
    PlaceTIGER,
    Popularity,
    PopularityEvidence,
    TransitionEvidence,
    TwoStage,
    refreshed,
)
from lgsid.testing import quiet_trainer, toy_city

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
N, N_BEFORE = 60, 48
T5 = {"d_model": 16, "d_kv": 4, "d_ff": 24, "num_heads": 2, "num_layers": 1, "num_decoder_layers": 2}
SMALL = {"user_buckets": 40, "beam_width": N}
MODELS = {
    "tiger": lambda: TIGER(T5, query_position=LocalMetresGeoEncoder(), **SMALL),
    "place_tiger": lambda: PlaceTIGER(T5, HistoryCopy(8, 4), [NodeGeography(4), NodeContent(4)], **SMALL),
    "place_generator": lambda: PlaceGenerator(T5, HistoryCopy(8, 4), EvidenceNetwork(None, 8, 20), **SMALL),
    "onerec": lambda: OneRec(T5, 4, balance=LossFreeBalance(0.1), list_length=3, **SMALL),
    "ranker": lambda: NewPlaceRanker(
        EvidenceNetwork([DistanceEvidence(), PopularityEvidence(), TransitionEvidence(), ContentEvidence()], 8, 20)
    ),
}


@pytest.fixture(scope="module")
def whole():
    return toy_city(n_checkins=900)


@pytest.fixture(scope="module")
def before(whole):
    """The city with fewer places, and without two users whose numbers are below those of others."""
    dataset = whole.take(np.arange(N) < N_BEFORE)
    frame = dataset.interactions.frame
    return Dataset(dataset.items, Interactions(frame[~frame["user_id"].isin(whole.user_ids[[2, 5]])]), dataset.report)


def source(dataset, codes=None, sizes=(5, 4, 3), vectors=True):
    """Return the data of a dataset whose places have the same semantic IDs and vectors in any order."""
    number = toy_city(n_checkins=900).items.rows(dataset.items.ids)
    if codes is None:
        codes = np.stack([number % 5, number // 5 % 4, number // 20], 1)
    embeddings = np.random.default_rng(0).normal(size=(N, 6)).astype(np.float32)[number]
    ids = dataset.items.ids
    sids = SemanticIDs(ids, np.asarray(codes, dtype=np.int64), sizes) if sizes else None
    data = SequenceData(dataset, sids, Embeddings(ids, embeddings) if vectors else None, batch_size=64)
    data.setup()
    return data


def trained(kind, data):
    L.seed_everything(0, verbose=False)
    model = MODELS[kind]()
    quiet_trainer(max_steps=3).fit(model, data)
    return model.eval()


@pytest.fixture(scope="module", params=list(MODELS))
def model(request, before):
    return trained(request.param, source(before))


def ranks_by_id(model, data, n=20):
    ranked = model.rank(data.batch(data.queries("test")[:n]), 15)
    return np.where(ranked.items >= 0, data.dataset.items.ids[ranked.items], ""), ranked.scores


def test_on_the_same_data_nothing_changes(model, before):
    found = refreshed(model, before, source(before))
    assert (found.n_places, found.n_new, found.n_gone, found.n_new_users, found.n_recoded) == (N_BEFORE, 0, 0, 0, 0)
    assert str(found) == "places: 48, new: 0; new users: 0"
    assert found.model is not model
    for name, value in model.state_dict().items():
        assert torch.equal(value, found.model.state_dict()[name]), name
    for one, other in zip(ranks_by_id(model, source(before)), ranks_by_id(found.model, source(before)), strict=True):
        assert np.array_equal(one, other)


def one_favorite(data, n=20):
    """Tell which queries have one most visited place: among several the lowest row counts."""
    visits = [np.unique(h[h >= 0], return_counts=True)[1] for h in data.batch(data.queries("test")[:n]).history.numpy()]
    return np.array([len(v) > 0 and (v == v.max()).sum() == 1 for v in visits])


def test_rows_of_places_may_change(model, before):
    order = np.random.default_rng(1).permutation(N_BEFORE)
    data = source(before.take(order))
    found = refreshed(model, before, data).model
    assert not torch.equal(found.catalogue.lat_deg, model.catalogue.lat_deg)
    clear = one_favorite(source(before))
    assert clear.sum() >= 8
    ids, scores = (part[clear] for part in ranks_by_id(model, source(before)))
    moved, moved_scores = (part[clear] for part in ranks_by_id(found, data))
    assert torch.allclose(scores, moved_scores, atol=1e-4)
    apart = torch.nn.functional.pad(scores[:, :-1] - scores[:, 1:] > 1e-3, (1, 0), value=True)
    alone = (apart & torch.nn.functional.pad(apart[:, 1:], (0, 1))).numpy()  # no score within 1e-3 beside it
    assert alone.mean() > 0.5
    assert (ids == moved)[alone].all()


def test_new_places_are_ranked_by_the_weights_of_the_training(model, whole, before):
    data = source(whole)
    found = refreshed(model, before, data)
    assert (found.n_places, found.n_new, found.n_gone, found.n_new_users) == (N, N - N_BEFORE, 0, 2)
    fresh = found.model
    learned, now = dict(model.named_parameters()), dict(fresh.named_parameters())
    assert learned.keys() == now.keys()
    assert all(torch.equal(learned[name], now[name]) for name in learned)
    assert torch.equal(fresh.catalogue.count, torch.from_numpy(data.log.item_counts(N, "train")))
    ranked = fresh.rank(data.batch(data.queries("test")[:20]), N)
    assert int((ranked.items >= N_BEFORE).sum()) > 20
    if fresh.scores_are_log_probs:
        assert torch.allclose(ranked.scores.exp().sum(1), torch.ones(20), atol=1e-3)
    assert len(model.catalogue) == N_BEFORE


def test_what_is_counted_is_that_of_a_model_of_the_new_data(model, whole, before):
    data = source(whole)
    found = refreshed(model, before, data).model
    other = type(model)(**model.constructor_arguments())
    other.ensure_built(data.shape)
    other.take_catalogue(data)
    counted, expected = dict(found.named_buffers()), dict(other.named_buffers())
    tables = [name for name in expected if name.startswith(("catalogue.", "evidence.evidence.", "node_logits."))]
    assert len(tables) >= 7
    assert all(torch.equal(counted[name], expected[name]) for name in tables)


def test_the_scale_of_the_columns_is_learned(whole, before):
    model = trained("ranker", source(before))
    found = refreshed(model, before, source(whole)).model
    assert torch.equal(found.evidence.mean, model.evidence.mean)
    assert torch.equal(found.evidence.deviation, model.evidence.deviation)


def test_users_keep_their_token_and_new_ones_have_that_of_nobody_known(whole, before, tmp_path):
    model, data = trained("tiger", source(before)), source(whole)
    found = refreshed(model, before, data).model
    old, new = [source(before), data]
    for user in (before.user_ids[0], before.user_ids[3], before.user_ids[-1]):
        numbers = [list(d.dataset.user_ids).index(user) for d in (old, new)]
        assert found.trained_as(torch.tensor([numbers[1]])).tolist() == [numbers[0]]
    unknown = torch.tensor([2, 5, -1])
    assert found.trained_as(unknown).tolist() == [-1, -1, -1]
    batch = data.batch(data.queries("test")[:3])
    nobody = torch.full((3,), -1)
    tokens = [found.query_token(replace(batch, user=user)) for user in (unknown, nobody)]
    assert torch.equal(*tokens)
    checkpoints.save(found, tmp_path / "model.ckpt")
    again = checkpoints.load(tmp_path)
    assert torch.equal(again.trained_users, found.trained_users)


def test_step_by_step_is_as_at_once(model, whole, before):
    between = whole.take(np.arange(N) < 54)
    middle = refreshed(model, before, source(between)).model
    stepwise = refreshed(middle, between, source(whole)).model
    at_once = refreshed(model, before, source(whole)).model
    for one, other in zip(ranks_by_id(stepwise, source(whole)), ranks_by_id(at_once, source(whole)), strict=True):
        assert np.array_equal(one, other)


def test_a_file_of_it_is_the_same_model(model, whole, before, tmp_path):
    data = source(whole)
    found = refreshed(model, before, data).model
    checkpoints.save(found, tmp_path / "model.ckpt")
    again = checkpoints.load(tmp_path)
    for one, other in zip(ranks_by_id(found, data), ranks_by_id(again, data), strict=True):
        assert np.array_equal(one, other)
    metrics = quiet_trainer().test(again, data, verbose=False)[0]
    assert 0 <= metrics["test/mrr@10"] <= 1


def test_places_that_are_gone_are_not_recommended(before):
    model, data = trained("tiger", source(before)), source(before.take(np.arange(N_BEFORE) >= 8))
    found = refreshed(model, before, data)
    assert (found.n_gone, found.n_new, found.n_places) == (8, 0, 40)
    assert str(found) == "places: 40, new: 0; new users: 0; places gone: 8"
    assert not set(before.items.ids[:8]) & set(ranks_by_id(found.model, data)[0].ravel())


def test_a_few_places_may_have_moved_to_other_codes(before):
    model = trained("tiger", source(before))
    number = np.arange(N_BEFORE)
    codes = np.stack([number % 5, number // 5 % 4, number // 20], 1)
    moved = np.where(number[:, None] == 0, (4, 3, 2), codes)
    found = refreshed(model, before, source(before, moved))
    assert found.n_recoded == 1
    assert str(found).endswith("; another semantic ID than in the training: 1")
    with pytest.raises(LgsidError, match="48 of 48 places have another semantic ID"):
        refreshed(model, before, source(before, (codes + 1) % (5, 4, 3)))


def plain(model, data):
    model.ensure_built(data.shape)
    model.take_catalogue(data)
    return model


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda d: (plain(DIN(NoSids()), d), d), "DIN: it cannot be refreshed"),
        (lambda d: (plain(Popularity(), d), d), "Popularity: it cannot be refreshed"),
        (lambda d: (plain(TwoStage(plain(TIGER(T5, **SMALL), d), plain(DIN(), d)), d), d), "it cannot be refreshed"),
        (lambda d: (MODELS["tiger"](), d), "TIGER: not trained yet"),
        (
            lambda d: (plain(TIGER(T5, **SMALL), source(d.dataset, sizes=())), source(d.dataset, sizes=())),
            "without semantic IDs it learned a code for each place",
        ),
        (lambda d: (plain(TIGER(T5, **SMALL), d), source(d.dataset, sizes=(5, 4, 9))), r"codebooks .*\(5, 4, 9\) now"),
        (lambda d: (plain(MODELS["ranker"](), d), source(d.dataset, vectors=False)), "vectors: none now, 6 in the"),
        (lambda d: (plain(TIGER(T5, **SMALL), source(toy_city())), d), "that are not those|other tables|trained on"),
    ],
    ids=["click", "counting", "composed", "untrained", "plain_ids", "codebooks", "vectors", "other_data"],
)
def test_what_cannot_be_refreshed_says_why(make, told, before):
    model, data = make(source(before))
    with pytest.raises(LgsidError, match=told) as error:
        refreshed(model, before, data)
    assert "\n" not in str(error.value)
