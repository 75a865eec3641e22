"""TIGER on plain item IDs: one level, one code per place, beams wider than there are places."""

import lightning as L
import numpy as np
import pandas as pd
import pytest
import torch

from lgsid.artefacts import Dataset
from lgsid.datamodules import ItemData, SequenceData
from lgsid.functional.ranking import pessimistic_rank
from lgsid.recommenders.generative import HistoryCopy, NodeGeography, PlaceTIGER, SeparateTokens, SummedTokens
from lgsid.recommenders.generative.node_geography import describe_nodes
from lgsid.recommenders.item_trie import ItemTrie
from lgsid.testing import quiet_trainer, toy_city
from lgsid.tokenizers import PlainTokenizer

N = 60
T5 = {"d_model": 16, "d_kv": 4, "d_ff": 24, "num_heads": 2, "num_layers": 1, "num_decoder_layers": 1}

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """A town whose items are in no order of their ids, with plain IDs for them."""
    folder = tmp_path_factory.mktemp("city")
    town = toy_city()
    items = town.items.take(np.random.default_rng(1).permutation(N))
    Dataset(items, town.interactions, town.report).write(folder)
    tokenizer = PlainTokenizer()
    quiet_trainer(max_epochs=1).fit(tokenizer, ItemData(str(folder)))
    tokenizer.export(folder)
    return folder


def served(city, plain=True):
    return SequenceData(str(city), str(city / "sids.parquet") if plain else None, batch_size=32, val_queries=None)


def tiger(tokens=None, full=True, beam_width=2 * N):
    torch.manual_seed(0)
    parts = {"copy": HistoryCopy(8, 4), "node_logits": [NodeGeography(4)]} if full else {}
    return PlaceTIGER(t5=T5, encoder_history=5, user_buckets=3, history_tokens=tokens, beam_width=beam_width, **parts)


def untrained(city, **options):
    data, model = served(city), tiger(**options)
    data.setup()
    model.ensure_built(data.shape)
    model.take_catalogue(data)
    return model.eval(), data


def test_the_tree_has_one_level_of_places(city):
    model, data = untrained(city)
    assert data.shape.codebook_sizes == (N,)
    trie, position = model.catalogue.trie, model.catalogue.position_km
    assert (trie.n_levels, list(trie.n_nodes)) == (1, [1, N, N])
    by_id = np.argsort(data.dataset.items.ids.astype(str))
    assert trie.order.tolist() == by_id.tolist()
    leaves = describe_nodes(trie, position, model.catalogue.count)[1]
    assert torch.allclose(leaves.center_km, position[trie.order], atol=1e-2)
    assert torch.equal(ItemTrie(model.catalogue.codes).path[trie.order, 1], torch.arange(N))


@pytest.mark.parametrize("tokens", [SummedTokens(), SeparateTokens()])
@pytest.mark.parametrize("full", [True, False])
def test_a_beam_wider_than_the_catalogue_ranks_all_places_as_their_probabilities(city, tokens, full):
    model, data = untrained(city, tokens=tokens, full=full)
    batch = data.batch(np.array([0, 7, 150, 399]))
    with torch.no_grad():
        log_p = torch.stack([model.log_probs(batch, torch.full_like(batch.user, item))[0] for item in range(N)], 1)
    assert torch.allclose(log_p.exp().sum(1), torch.ones(4), atol=1e-4)
    ranked = model.rank(batch, N + 9)
    assert (ranked.items[:, N:] == -1).all()
    assert (ranked.items[:, :N].sort(1).values == torch.arange(N)).all()
    assert torch.allclose(ranked.scores[:, :N], log_p.gather(1, ranked.items[:, :N]), atol=1e-4)
    assert torch.equal(model.target_rank(batch), pessimistic_rank(log_p, batch.target))


def test_one_code_per_check_in_makes_both_layouts_the_same(city):
    one, data = untrained(city, tokens=SummedTokens())
    other, _ = untrained(city, tokens=SeparateTokens())
    batch = data.batch(np.arange(100, 130))
    assert torch.equal(one.rank(batch, 5).items, other.rank(batch, 5).items)


@torch.no_grad()
def mean_nll(model, data):
    """Return the mean negative log-likelihood of all training queries."""
    batch = data.batch(data.queries("train"))
    return -float(model.eval().log_probs(batch, batch.target)[0].mean())


@pytest.mark.parametrize("full", [True, False])
def test_training_and_testing(city, full, tmp_path):
    L.seed_everything(0, verbose=False)
    model, data = tiger(full=full), served(city)
    trainer = quiet_trainer(max_epochs=3)
    data.setup()
    model.ensure_built(data.shape)
    model.take_catalogue(data)
    before = mean_nll(model, data)
    trainer.fit(model, data)
    assert mean_nll(model, data) < before - 0.1
    trainer.test(model, data, verbose=False)
    model.export(tmp_path)
    table = pd.read_parquet(tmp_path / "per_query.parquet")
    assert sorted(table["row"]) == data.queries("test").tolist()
    assert table["rank"].between(1, N).all()  # nothing is out of reach
    metrics = trainer.callback_metrics
    assert float(metrics["test/hit@10"]) == pytest.approx((table["rank"] <= 10).mean())


def test_where_rows_are_in_the_order_of_ids_it_is_the_model_without_semantic_ids(city, tmp_path):
    """Without semantic IDs every row is its own code."""
    town = Dataset.read(city)
    order = np.argsort(town.items.ids.astype(str), kind="stable")
    Dataset(town.items.take(order), town.interactions, town.report).write(tmp_path)
    (tmp_path / "sids.parquet").write_bytes((city / "sids.parquet").read_bytes())
    states = []
    for plain in (True, False):
        model, data = tiger(), served(tmp_path, plain)
        L.seed_everything(0, verbose=False)
        quiet_trainer(max_epochs=1).fit(model, data)
        state = model.state_dict()
        states.append(state | {"catalogue.codes": model.catalogue.item_codes})
    assert list(states[0]) == list(states[1])
    for name, value in states[0].items():
        assert torch.equal(value, states[1][name]), name
