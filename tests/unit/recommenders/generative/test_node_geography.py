"""Distance and popularity of prefixes against loops over the items below them."""

import math
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from lgsid.recommenders.generative import NodeGeography
from lgsid.recommenders.generative.node_geography import describe_nodes, describe_query, find_anchors
from lgsid.recommenders.generative.visits import Visits
from lgsid.recommenders.item_trie import ItemTrie
from lgsid.typing import DataShape, SequenceBatch

CODES = torch.tensor([[1, 0], [0, 2], [1, 0], [0, 0], [1, 1], [0, 2], [2, 0]])
POSITION = torch.tensor([6371.0, 0.0, 0.0]) + torch.randn(7, 3, generator=torch.Generator().manual_seed(3)) * 2
SHAPE = DataShape(n_items=7, codebook_sizes=(3, 3))
COUNT = torch.tensor([5, 0, 2, 9, 1, 0, 30])
HISTORIES = torch.tensor([[2, 4, 2, 6], [-1, -1, -1, 3], [-1, -1, -1, -1]])


@pytest.fixture(scope="module")
def trie():
    return ItemTrie(CODES)


@pytest.fixture(scope="module")
def batch():
    rows, shape = torch.arange(3), HISTORIES.shape
    return SequenceBatch(
        row=rows,
        user=rows,
        history=HISTORIES,
        history_age_s=torch.tensor([[9e5, 8e4, 7e3, 1800.0]] * 3, dtype=torch.float64),
        history_hour=torch.zeros(shape),
        history_weekday=torch.zeros(shape, dtype=torch.int64),
        hour=torch.tensor([0.0, 7.5, 18.0]),
        weekday=torch.tensor([4, 5, 6]),
        target=-torch.ones(3, dtype=torch.int64),
        is_new=torch.zeros(3, dtype=torch.bool),
    )


def test_nodes_are_described_by_their_items(trie):
    tables = describe_nodes(trie, POSITION, COUNT)
    assert [len(table.center_km) for table in tables] == list(trie.n_nodes)
    for depth, table in enumerate(tables):
        for node in range(len(table.center_km)):
            items = [item for item in range(7) if trie.path[item, depth] == node]
            center = sum(POSITION[item].double() for item in items) / len(items)
            extent = math.sqrt(sum(float((POSITION[i] - center).square().sum()) for i in items) / len(items))
            n_visits = sum(int(COUNT[item]) for item in items)
            torch.testing.assert_close(table.center_km[node], center.float())
            assert table.n_visits[node] == n_visits
            assert trie.order[table.start[node] : table.end[node]].sort().values.tolist() == items
            expected = [math.log(len(items)) / 5]
            expected += [math.log(extent + 0.05) / 3, math.sqrt(extent) / 5]  # squares of 6,371 km round to 0.1 m
            assert table.traits[node].tolist() == pytest.approx(expected, rel=1e-3, abs=5e-3), (depth, node)


def test_anchors_are_the_last_two_places_and_the_most_frequent(batch):
    found = find_anchors(batch, Visits.of(HISTORIES), POSITION)
    for row, places in enumerate([(6, 2, 2), (3, -1, 3), (-1, -1, -1)]):
        for anchor, place in enumerate(places):
            assert bool(found[row, anchor].isnan().all()) == (place < 0)
            assert place < 0 or torch.equal(found[row, anchor], POSITION[place])
    last_only = batch.take(torch.tensor([1]))
    short = SequenceBatch(**{k: v[:, -1:] if v.ndim == 2 else v for k, v in vars(last_only).items() if v is not None})
    assert find_anchors(short, Visits.of(short.history), POSITION)[0, 1].isnan().all()


def test_a_query_is_described_by_its_time(batch):
    found = describe_query(batch)
    for row, (hour, weekday) in enumerate([(0.0, 4), (7.5, 5), (18.0, 6)]):
        angle = 2 * math.pi * hour / 24
        expected = [math.cos(angle), math.sin(angle), math.cos(2 * angle), math.sin(2 * angle)]
        assert found[row].tolist() == pytest.approx([*expected, float(weekday >= 5), math.log(1.5) / 5], abs=1e-6)


LATER = torch.tensor([[6, 0, 6], [2, -1, -1], [-1, -1, -1]])


@torch.no_grad()
@pytest.mark.parametrize("later", [None, LATER])
def test_logits_are_the_network_on_distances_traits_and_time(trie, batch, later):
    torch.manual_seed(0)
    geography = NodeGeography(5)
    geography.build(SHAPE, 1)
    catalogue = SimpleNamespace(trie=trie, position_km=POSITION, count=COUNT, derived=lambda name, make: make())
    logits = geography(replace(batch, later=later), Visits.of(HISTORIES), torch.zeros(3, 1), catalogue)
    tables, query = describe_nodes(trie, POSITION, COUNT), describe_query(batch)
    anchors = find_anchors(batch, Visits.of(HISTORIES), POSITION)
    for depth in (1, 2, 3):
        nodes = torch.arange(trie.n_nodes[depth - 1])
        children = trie.children(depth - 1, nodes.repeat(3), torch.arange(3).repeat_interleave(len(nodes)))
        found = logits(depth - 1, children)
        assert found.shape == children.node.shape
        for at, (row, node) in enumerate(zip(children.query.tolist(), children.node.tolist(), strict=True)):
            columns = []
            for anchor in anchors[row]:
                km = float((anchor - tables[depth].center_km[node]).norm())
                near = [math.sqrt(km / 0.3) / 5, math.log(km + 0.05) / 3, 1 / (1 + km), math.exp(-km / 0.3)]
                columns += [0.0] * 4 if math.isnan(km) else near
            items = [item for item in range(7) if trie.path[item, depth] == node]
            counted = sum(int(COUNT[item]) for item in items)
            counted -= 0 if later is None else sum(item in items for item in later[row].tolist())
            popularity = torch.tensor([math.log(counted + 0.1) / 5])
            seen = torch.cat([torch.tensor(columns), popularity, tables[depth].traits[node], query[row]])
            torch.testing.assert_close(found[at], geography.networks[depth - 1](seen)[0], rtol=1e-4, atol=1e-5)
