"""Distance and popularity of prefixes: a generator of semantic IDs that knows where its nodes lie."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lgsid.recommenders.catalogue import Catalogue
from lgsid.recommenders.generative.generative_recommender import ChildLogits
from lgsid.recommenders.generative.node_logits import NodeLogits
from lgsid.recommenders.generative.visit_mass import VisitMass
from lgsid.recommenders.generative.visits import Visits
from lgsid.recommenders.item_trie import Children, ItemTrie
from lgsid.recommenders.own_future import later_items
from lgsid.typing import Batch, DataShape, SequenceBatch

N_ANCHORS = 3
N_NODE, N_KM, N_QUERY = 4, 4, 6


@dataclass(frozen=True)
class NodeTable(Batch):
    """What is known of the n nodes of one depth."""

    center_km: Tensor  # (n, 3) mean of the items' positions, Earth-centered, km
    n_visits: Tensor  # (n,) float64 training check-ins
    traits: Tensor  # (n, N_NODE - 1) number of items, extent
    start: Tensor  # (n,) first sorted item
    end: Tensor  # (n,) behind the last sorted item


class NodeGeography(NodeLogits):
    """Add to the logit of each child node what its position and popularity say.

    A small network per depth sees the distances from the node's center to the user's last place, the one before and
    the most frequent one, the node's training check-ins (without the user's own from the query on), items and extent,
    the time of day and the time since the last check-in. At the deepest level the nodes are the items themselves, so
    the decay with distance is exact there; above, it is as sharp as the tokenizer's prefixes are compact: where
    semantic IDs know geography, decoding does.

    Args:
        hidden: Width of the network.
    """

    def __init__(self, hidden: int = 16) -> None:
        super().__init__()
        self.hidden = hidden

    def build(self, shape: DataShape, width: int) -> None:
        """Create a network for each depth of nodes, 1..L + 1."""
        columns = N_NODE + N_KM * N_ANCHORS + N_QUERY
        self.networks = nn.ModuleList(
            nn.Sequential(nn.Linear(columns, self.hidden), nn.GELU(), nn.Linear(self.hidden, 1))
            for _ in range(len(shape.codebook_sizes or (shape.n_items,)) + 1)
        )

    def tables(self, catalogue: Catalogue) -> list[NodeTable]:
        """Return positions and popularity of the nodes of the tree, by depth; computed when first asked for."""
        found: list[NodeTable] = catalogue.derived(
            "node tables", lambda: describe_nodes(catalogue.trie, catalogue.position_km, catalogue.count)
        )
        return found

    def forward(self, batch: SequenceBatch, visits: Visits, state: Tensor, catalogue: Catalogue) -> ChildLogits:
        """Return what is added to the logits of children, shape (C,) float32; see `NodeLogits`."""
        anchors_km, query = find_anchors(batch, visits, catalogue.position_km), describe_query(batch)
        tables, later = self.tables(catalogue), None
        if own_future := later_items(batch).shape[1]:
            later = VisitMass.of(later_items(batch), state.new_ones(len(batch), own_future), catalogue.trie)

        def logits(depth: int, children: Children) -> Tensor:
            row, table = children.query, tables[depth + 1]
            n_visits = table.n_visits[children.node]
            if later is not None:
                n_visits = n_visits - later.between(row, table.start[children.node], table.end[children.node])
            popularity = (torch.log(n_visits + 0.1) / 5).float()[:, None]
            km = (anchors_km[row] - table.center_km[children.node][:, None]).norm(dim=-1)  # (C, N_ANCHORS)
            near = torch.stack(
                [(km / 0.3).sqrt() / 5, torch.log(km + 0.05) / 3, 1 / (1 + km), torch.exp(-km / 0.3)], -1
            )
            near = near.nan_to_num(0.0).flatten(1)
            columns = torch.cat([near, popularity, table.traits[children.node], query[row]], 1)
            return self.networks[depth](columns)[:, 0].float()  # type: ignore[no-any-return]

        return logits


def describe_nodes(trie: ItemTrie, position_km: Tensor, count: Tensor) -> list[NodeTable]:
    """Describe all nodes, by prefix sums over the sorted items.

    Args:
        trie: The semantic IDs.
        position_km: Shape (N, 3), Earth-centered positions of the items.
        count: Shape (N,), training check-ins of the items.

    Returns:
        Tables by depth, 0..L + 1.
    """
    position = position_km.double()[trie.order]
    columns = torch.cat([position, (position**2).sum(1, keepdim=True), count.double()[trie.order][:, None]], 1)
    sums = torch.nn.functional.pad(columns.cumsum(0), (0, 0, 1, 0))
    tables = []
    for level in trie.levels:
        n = (level.end - level.start).double()[:, None]
        total = sums[level.end] - sums[level.start]
        center = total[:, :3] / n
        extent = (total[:, 3:4] / n - (center**2).sum(1, keepdim=True)).clamp_min(0).sqrt()
        traits = [torch.log(n) / 5, torch.log(extent + 0.05) / 3, extent.sqrt() / 5]
        table = NodeTable(center.float(), total[:, 4], torch.cat(traits, 1).float(), level.start, level.end)
        tables.append(table)
    return tables


def find_anchors(batch: SequenceBatch, visits: Visits, position_km: Tensor) -> Tensor:
    """Return the user's last place, the one before, the most frequent one, (B, N_ANCHORS, 3), NaN where unknown."""
    history = batch.history
    second = history[:, -2:-1] if history.shape[1] > 1 else torch.full_like(history, -1)
    places = torch.cat([history[:, -1:], second, visits.most_visited[:, None]], 1)
    return torch.where((places >= 0)[..., None], position_km[places.clamp_min(0)], torch.nan)


def describe_query(batch: SequenceBatch) -> Tensor:
    """Return time of day, weekend and time since the last check-in, shape (B, N_QUERY) float32."""
    turn = batch.hour * (2 * math.pi / 24)
    lag = torch.log1p((batch.history_age_s[:, -1] / 3600).float().clamp_min(0))
    columns = [torch.cos(turn), torch.sin(turn), torch.cos(2 * turn), torch.sin(2 * turn)]
    return torch.stack([*columns, (batch.weekday >= 5).float(), lag / 5], 1)
