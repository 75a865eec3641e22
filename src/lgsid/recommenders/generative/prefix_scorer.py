"""A model's view of a search over the tree of semantic IDs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Generic, TypeVar

from torch import Tensor

from lgsid.recommenders.item_trie import Children
from lgsid.typing import Batch

States = TypeVar("States", bound=Batch)


@dataclass(frozen=True)
class Scored(Batch):
    """What a model says of C children."""

    log_prob: Tensor  # (C,) float32, of the whole prefix; never above that of its parent, but for rounding
    generated: Tensor  # (C,) float32, the same by the part that keeps states


class PrefixScorer(ABC, Generic[States]):
    """Scores what can come next after prefixes, from states that a search keeps, selects and gives back.

    Nothing of a search is kept here: a search may come back to any prefix, in any order.
    """

    @abstractmethod
    def start(self) -> States:
        """Return the states of the empty prefixes of B queries."""

    @abstractmethod
    def score(self, depth: int, children: Children, parents: States) -> Scored:
        """Return the log-probability of every child's whole prefix.

        Args:
            depth: Depth of the parents, 0..L.
            children: All C children of M parents, also those whose items are not allowed.
            parents: States of the parents, M.
        """

    @abstractmethod
    def follow(self, depth: int, children: Children, scored: Scored, parents: States) -> States:
        """Return the states of some children.

        Args:
            depth: Depth of the children, 1..L.
            children: M' children, by ascending query.
            scored: What `score` said of them.
            parents: States that `children.parent` counts in.
        """
