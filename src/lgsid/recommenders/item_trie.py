"""The tree of all semantic IDs as sorted arrays: what constrained decoding walks on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lgsid.typing import Batch

LARGEST = 2**62
"""Number of different values of an integer that levels are packed into."""


@dataclass(frozen=True)
class TrieLevel(Batch):
    """The n nodes of one depth, in lexicographic order: a node is a range of the sorted items."""

    code: Tensor  # (n,) code that leads here from the parent; item row at the deepest level; 0 at the root
    start: Tensor  # (n,) first sorted item
    end: Tensor  # (n,) behind the last sorted item
    child: Tensor  # (n + 1,) first child in the next level; children of a node are consecutive; unused at items
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
        codes: Shape (N, L), int64, not negative.
    """

    def __init__(self, codes: Tensor) -> None:
        codes = codes.long()
        self.n_items, self.n_levels = codes.shape
        words = pack(codes)
        order = words[-1][0].sort(stable=True).indices
        for word, _ in reversed(words[:-1]):  # least significant first; each sort is stable
            order = order[word.index_select(0, order).sort(stable=True).indices]
        self.order = order  # (N,) item rows
        opens = torch.zeros_like(order, dtype=torch.bool)
        opens[:1] = True
        ranks, starts, labels = [torch.zeros_like(order)], [opens.nonzero()[:, 0]], [torch.zeros_like(order[:1])]
        for word, parts in words:
            in_order = word.index_select(0, order)
            for product, size in parts:
                prefix = in_order if product == 1 else in_order // product
                opens[1:] |= prefix[1:] != prefix[:-1]
                ranks.append(opens.cumsum(0) - 1)
                starts.append(opens.nonzero()[:, 0])
                labels.append(prefix[starts[-1]] % size)
        ranks.append(torch.arange(self.n_items, device=codes.device))
        starts.append(ranks[-1])
        labels.append(order)
        path = torch.stack(ranks, 1)
        self.path = torch.empty_like(path).index_copy_(0, order, path)  # node of each item by depth
        self.levels: list[TrieLevel] = []
        for depth, start in enumerate(starts):
            bounds = torch.nn.functional.pad(start, (0, 1), value=self.n_items)
            below, ids = (
                torch.nn.functional.pad(ranks[at].index_select(0, start), (0, 1), value=len(starts[at]))
                for at in (min(depth, self.n_levels) + 1, self.n_levels)
            )
            alone = ids[1:] - ids[:-1] <= 1
            self.levels.append(TrieLevel(labels[depth], bounds[:-1], bounds[1:], below, alone))

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
        node = (first - count.cumsum(0) + count).index_select(0, parent)
        node += torch.arange(len(parent), device=nodes.device)
        return Children(parent, query.index_select(0, parent), node, below.code.index_select(0, node))

    def prefix_sums(self, allowed: Tensor) -> Tensor:
        """Prepare masks of items for `alive`.

        Args:
            allowed: Shape (N,) or (B, N) bool.

        Returns:
            Shape (1 or B, N + 1): how many of the first sorted items are allowed.
        """
        masks = allowed.reshape(-1, self.n_items)
        sums = torch.zeros(len(masks), self.n_items + 1, dtype=torch.int32, device=masks.device)
        torch.cumsum(masks.gather(1, self.order.expand_as(masks)), 1, dtype=torch.int32, out=sums[:, 1:])
        return sums

    def alive(self, depth: int, node: Tensor, query: Tensor, sums: Tensor) -> Tensor:
        """Tell which nodes have an allowed item below them: two look-ups each, however many items they hold.

        Args:
            depth: Depth of the nodes.
            node: Shape (C,).
            query: Shape (C,), row of `sums` (ignored if `sums` has one row).
            sums: Result of `prefix_sums`.
        """
        level, flat = self.levels[depth], sums.flatten()
        end, start = level.end.index_select(0, node), level.start.index_select(0, node)
        row = query * sums.shape[1] if len(sums) > 1 else 0
        return flat.index_select(0, end + row) > flat.index_select(0, start + row)


def pack(codes: Tensor) -> list[tuple[Tensor, list[tuple[int, int]]]]:
    """Pack the levels of semantic IDs (N, L) into as few integers as hold them, in lexicographic order.

    Returns:
        For each integer its values (N,), and of each of its levels the product of the sizes of those below it, and
        its own size: `value // product % size` is the code.
    """
    sizes = (codes.amax(0) + 1).tolist() if len(codes) else [1] * codes.shape[1]
    groups: list[list[int]] = []
    for level, size in enumerate(sizes):
        if not groups or math.prod(sizes[at] for at in groups[-1]) * size > LARGEST:
            groups.append([])
        groups[-1].append(level)
    words = []
    for group in groups:
        word = codes[:, group[0]]
        for level in group[1:]:
            word = word * sizes[level] + codes[:, level]
        words.append((word, [(math.prod(sizes[at] for at in group if at > level), sizes[level]) for level in group]))
    return words
