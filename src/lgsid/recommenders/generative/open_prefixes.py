"""Prefixes of one depth that a search has scored and may come back to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Generic

import torch
from torch import Tensor
from typing_extensions import Self

from lgsid.recommenders.generative.prefix_scorer import Scored, States
from lgsid.recommenders.item_trie import Children


@dataclass(frozen=True)
class OpenPrefixes(Generic[States]):
    """C prefixes by ascending query, with the states of their parents: their own are computed if they are followed."""

    children: Children
    scored: Scored
    parents: States  # M, which `children.parent` counts in

    def __len__(self) -> int:
        """Return their number C."""
        return len(self.children)

    def take(self, rows: Tensor) -> Self:
        """Return some of them, `rows: (C',)` int64 or `(C,)` bool, and the states that these need."""
        children = self.children.take(rows)
        needed = torch.zeros(len(self.parents), dtype=torch.bool, device=rows.device)
        needed[children.parent] = True
        parent = (needed.cumsum(0) - 1)[children.parent]
        return type(self)(replace(children, parent=parent), self.scored.take(rows), self.parents.take(needed))

    def joined_with(self, others: Self) -> Self:
        """Return these and others."""
        moved = replace(others.children, parent=others.children.parent + len(self.parents))
        children = Children.joined([self.children, moved])
        order = children.query.argsort(stable=True)
        return type(self)(
            children.take(order),
            Scored.joined([self.scored, others.scored]).take(order),
            type(self.parents).joined([self.parents, others.parents]),
        )

    @classmethod
    def root(cls, states: States, query: Tensor) -> Self:
        """Return the empty prefixes of the queries (B,)."""
        certain = torch.zeros(len(query), device=query.device)
        return cls(Children(query, query, *[torch.zeros_like(query)] * 2), Scored(certain, certain), states)
