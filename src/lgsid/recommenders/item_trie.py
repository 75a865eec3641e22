"""The tree of all semantic IDs as sorted arrays: what constrained decoding walks on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lgsid.typing import Batch


@dataclass(frozen=True)
class TrieLevel(Batch):
    """The n nodes of one depth, in lexicographic order: a node is a range of the sorted items."""

    code: Tensor  # (n,) code that leads here from the parent; item row at the deepest level; 0 at the root
    start: Tensor  # (n,) first sorted item
    end: Tensor  # (n,) behind the last sorted item
    child: Tensor  # (n + 1,) first child in the next level; children of a node are consecutive
    alone: Tensor  # (n,) bool, no more than one semantic ID is below


@dataclass(frozen=True)
class Children(Batch):
    """The children of nodes, C in all, ragged: those of one parent follow each other."""

    parent: Tensor  # (C,) row of the parent
    query: Tensor  # (C,) row of the query
    node: Tensor  # (C,) node of the next level
    code: Tensor  # (C,) its code


class ItemTrie:
    """All semantic IDs of a catalogue as a tree whose leaves are items.

    Items are sorted by their codes, so every prefix is a range of the sorted items, and so is every set of children.
    Depth 0 is the root, depth l the prefixes of l codes, depth L + 1 the items: items that share a semantic ID are
    the several children of one node. Nothing here is a dictionary or a Python object per node; levels of any number
    and any sizes are allowed.

    Args:
        codes: Shape (N, L), int64.
    """

    def __init__(self, codes: Tensor) -> None:
        codes = codes.long()
        n_items, n_levels = codes.shape
        device = codes.device
        order = torch.arange(n_items, device=device)
        for level in range(n_levels - 1, -1, -1):  # least significant first; each sort is stable
            order = order[codes[order, level].argsort(stable=True)]
        self.n_items, self.n_levels = n_items, n_levels
        self.order = order  # (N,) item rows
        self.path = torch.zeros(n_items, n_levels + 2, dtype=torch.long, device=device)  # node of each item by depth
        sorted_codes = codes[order]
        opens = torch.zeros(n_items, dtype=torch.bool, device=device)
        opens[:1] = True
        starts, labels = [opens.nonzero()[:, 0]], [opens.new_zeros(int(n_items > 0), dtype=torch.long)]
        for level in range(n_levels):
            opens = opens.clone()
            opens[1:] |= sorted_codes[1:, level] != sorted_codes[:-1, level]
            starts.append(opens.nonzero()[:, 0])
            labels.append(sorted_codes[starts[-1], level])
            self.path[order, level + 1] = opens.long().cumsum(0) - 1
        starts.append(torch.arange(n_items, device=device))
        labels.append(order)
        self.path[order, n_levels + 1] = starts[-1]
        self.levels: list[TrieLevel] = []
        for depth, start in enumerate(starts):
            bounds = torch.cat([start, start.new_tensor([n_items])])
            below = starts[depth + 1] if depth <= n_levels else start.new_zeros(0)
            child = torch.searchsorted(below, bounds)
            ids = torch.searchsorted(starts[n_levels], bounds)
            alone = ids[1:] - ids[:-1] <= 1
            self.levels.append(TrieLevel(labels[depth], bounds[:-1], bounds[1:], child, alone))

    def to(self, device: torch.device | str) -> ItemTrie:
        """Move all arrays to a device, in place."""
        self.order, self.path = self.order.to(device), self.path.to(device)
        self.levels = [level.to(device) for level in self.levels]
        return self

    @property
    def n_nodes(self) -> Sequence[int]:
        """Number of nodes by depth, length L + 2."""
        return [len(level.code) for level in self.levels]

    def children(self, depth: int, nodes: Tensor, query: Tensor) -> Children:
        """Return the children of nodes, as one ragged gather.

        Args:
            depth: Depth of `nodes`, 0..L.
            nodes: Shape (M,).
            query: Shape (M,), rows of the queries that they belong to.

        Returns:
            The children, in the order of `nodes` and then of their codes.
        """
        level, below = self.levels[depth], self.levels[depth + 1]
        first = level.child[nodes]
        count = level.child[nodes + 1] - first
        parent = torch.repeat_interleave(count)
        node = torch.arange(len(parent), device=nodes.device) + (first - count.cumsum(0) + count)[parent]
        return Children(parent, query[parent], node, below.code[node])

    def prefix_sums(self, allowed: Tensor) -> Tensor:
        """Prepare masks of items for `alive`.

        Args:
            allowed: Shape (N,) or (B, N) bool.

        Returns:
            Shape (1 or B, N + 1): how many of the first sorted items are allowed.
        """
        counts = allowed.reshape(-1, self.n_items)[:, self.order].to(torch.int32).cumsum(1, dtype=torch.int32)
        return torch.nn.functional.pad(counts, (1, 0))

    def alive(self, depth: int, node: Tensor, query: Tensor, sums: Tensor) -> Tensor:
        """Tell which nodes have an allowed item below them: two look-ups each, however many items they hold.

        Args:
            depth: Depth of the nodes.
            node: Shape (C,).
            query: Shape (C,), row of `sums` (ignored if `sums` has one row).
            sums: Result of `prefix_sums`.
        """
        row = query if len(sums) > 1 else torch.zeros_like(query)
        level = self.levels[depth]
        return sums[row, level.end[node]] > sums[row, level.start[node]]
