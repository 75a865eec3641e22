"""NodeContent against loops over the items, and what it is on plain item IDs."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from lgsid.artefacts import SemanticIDs
from lgsid.datamodules.sequence_data import SequenceData
from lgsid.errors import LgsidError
from lgsid.recommenders.generative import NodeContent, NodeGeography, PlaceTIGER
from lgsid.recommenders.generative.node_content import node_means
from lgsid.recommenders.item_trie import ItemTrie
from lgsid.testing import NodeLogitsContract, toy_city
from lgsid.typing import DataShape

T5 = {"d_model": 16, "d_kv": 4, "d_ff": 24, "num_heads": 2, "num_layers": 1, "num_decoder_layers": 1}


class TestNodeContent(NodeLogitsContract):
    bad_arguments = ({"width": 0},)

    def make(self):
        return NodeContent(5)


class TestNodeGeography(NodeLogitsContract):
    def make(self):
        return NodeGeography(5)


def test_means_are_of_the_items_below():
    trie = ItemTrie(torch.tensor([[1, 0], [0, 2], [1, 0], [0, 0], [1, 1], [0, 2], [2, 0]]))
    vectors = torch.randn(7, 3, generator=torch.Generator().manual_seed(0))
    for depth, means in enumerate(node_means(trie, vectors)):
        assert len(means) == trie.n_nodes[depth]
        for node, mean in enumerate(means):
            below = trie.path[:, depth] == node
            torch.testing.assert_close(mean, vectors[below].mean(0))


@torch.no_grad()
def test_logits_are_products_of_query_and_mean_vectors():
    contract = TestNodeContent()
    data = contract.data()
    part, catalogue = contract.built(data)
    rows = np.append(data.queries("test")[:4], np.flatnonzero(data.log.n_before == 0)[:1])
    vectors = F.normalize(torch.from_numpy(data.embeddings), dim=1)
    for depth, (children, logits) in enumerate(contract.logits(part, catalogue, data, rows)):
        for at in range(0, len(logits), 7):
            row = rows[int(children.query[at])]
            before = data.log.item[(data.log.user == data.log.user[row]) & (np.arange(len(data.log)) < row)]
            past, last = torch.zeros(vectors.shape[1]), torch.zeros(vectors.shape[1])
            for item in before:
                past, last = past + vectors[item], vectors[item]
            state = torch.sin(torch.arange(12) * (1.0 + row))
            query = part.query(torch.cat([state, last, F.normalize(past, dim=0)]))
            below = catalogue.trie.path[:, depth + 1] == children.node[at]
            expected = (query @ part.place(vectors[below].mean(0))) / 5**0.5
            torch.testing.assert_close(logits[at], expected, rtol=1e-3, atol=1e-4)


def city(plain):
    dataset = toy_city()
    row = np.arange(len(dataset.items))
    sids = SemanticIDs(dataset.items.ids, np.stack([row % 4, row // 4], 1), (4, len(row)))
    data = SequenceData(dataset, None if plain else sids, batch_size=64)
    data.setup()
    data.embeddings = np.random.default_rng(0).normal(size=(len(row), 6)).astype(np.float32)
    return data


@torch.no_grad()
@pytest.mark.parametrize("plain", [True, False])
def test_what_is_added_is_in_the_probabilities(plain):
    """What is added to the logits is in the probabilities, which sum to one; with plain IDs it is all that is added."""
    data = city(plain)
    torch.manual_seed(0)
    model = PlaceTIGER(t5=T5, node_logits=[NodeContent(4)], encoder_history=5, user_buckets=3, beam_width=12)
    model.ensure_built(replace(data.shape, embedding_dim=6))
    model.take_catalogue(data)
    model.eval()
    batch, n = data.batch(data.queries("test")[:7]), len(data.dataset.items)
    bare = [model.generator_log_prob(torch.full_like(batch.user, i), model.encode_queries(batch)) for i in range(n)]
    whole = torch.stack([model.item_log_prob(batch, torch.full_like(batch.user, i)) for i in range(n)], 1)
    assert torch.allclose(whole.exp().sum(1), torch.ones(7), atol=1e-4)
    if plain:  # one soft-max over all places: a dense retriever beside the logits of the IDs
        encoded = model.encode_queries(batch)
        say = model.child_logits(batch, encoded)
        children = model.catalogue.trie.children(0, torch.zeros(7, dtype=torch.int64), torch.arange(7))
        added = say(0, children).reshape(7, n)[:, model.catalogue.trie.levels[1].code.argsort()]
        torch.testing.assert_close(whole, (torch.stack(bare, 1) + added).log_softmax(1), rtol=1e-4, atol=1e-4)
    assert not torch.allclose(whole, torch.stack(bare, 1), atol=1e-3)


def test_a_model_with_both_parts_adds_what_each_says():
    contract = TestNodeContent()
    data = contract.data()
    torch.manual_seed(0)
    parts = [NodeContent(4), NodeGeography(4)]
    model = PlaceTIGER(t5=T5, node_logits=parts, encoder_history=5, user_buckets=3)
    model.ensure_built(contract.shape(data))
    model.take_catalogue(data)
    batch = data.batch(data.queries("test")[:3])
    encoded = model.encode_queries(batch)
    children = model.catalogue.trie.children(0, torch.zeros(3, dtype=torch.int64), torch.arange(3))
    total = model.child_logits(batch, encoded)(0, children)
    each = []
    for part in parts:
        model.node_logits = torch.nn.ModuleList([part])
        each.append(model.child_logits(batch, encoded)(0, children))
    torch.testing.assert_close(total, sum(each))
    model.node_logits = torch.nn.ModuleList()
    assert model.child_logits(batch, encoded) is None


def test_data_without_vectors_and_a_width_of_nothing_are_refused():
    with pytest.raises(LgsidError, match=r"NodeContent: the data have no vectors; give data\.init_args\.embeddings"):
        NodeContent().build(DataShape(n_items=3), 8)
    with pytest.raises(LgsidError, match="NodeContent: width must be at least 1, not 0"):
        NodeContent(0)
