"""How the lists of a generator become the ranking of places that it is judged by."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from lgsid.construction import Describable
from lgsid.errors import LgsidError
from lgsid.functional.ranking import top_k
from lgsid.recommenders.generative.onerec.list_generator import ListGenerator
from lgsid.recommenders.recommender import Ranked
from lgsid.typing import SequenceBatch


class ListRanking(Describable, ABC):
    """Rank places for queries by a generator of lists."""

    scores_are_log_probs: bool = False
    """Whether the scores are logarithms of probabilities over all items."""

    @abstractmethod
    def rank(self, model: ListGenerator, batch: SequenceBatch, k: int, allowed: Tensor | None = None) -> Ranked:
        """Return the k best items of each query, best first, none twice; see `Recommender.rank`."""


class FirstPlace(ListRanking):
    """Rank by the probability of being the first place of the list: what the next place is asked for.

    A filter keeps the order, and no list is decoded.
    """

    scores_are_log_probs = True

    def rank(self, model: ListGenerator, batch: SequenceBatch, k: int, allowed: Tensor | None = None) -> Ranked:
        """Return the k most probable first places, as far as the search of the model finds them."""
        scorer, width = model.prefix_scorer(batch), max(model.beam_width, k)
        return Ranked(*model.search.find(model.catalogue.trie, scorer, len(batch), width, k, allowed))


class ListOrder(ListRanking):
    """The most probable list in its order, then all other places by their probability of being its first place.

    The score of the j-th place of the list is the log-probability of its first j places; that of a place behind it is
    the log-probability of the whole list plus its own as a first place. So scores never rise along the ranking. A place
    is conditioned on those above it: the second one answers where the user goes after the first.

    Args:
        n_lists: Lists that the beam over lists follows (W).
    """

    def __init__(self, n_lists: int = 4) -> None:
        if n_lists < 1:
            raise LgsidError(f"ListOrder: n_lists must be at least 1, not {n_lists}")
        self.n_lists = n_lists

    def rank(self, model: ListGenerator, batch: SequenceBatch, k: int, allowed: Tensor | None = None) -> Ranked:
        """Return the list, and first places behind it."""
        length = min(k, model.list_length)
        lists = model.lists(batch, length, self.n_lists, allowed)
        first, steps = lists.items[:, 0], lists.steps[:, 0]
        rest = FirstPlace().rank(model, batch, k + length, allowed)
        held = (rest.items[:, :, None] == first[:, None]).any(2)
        scores = torch.cat(
            [
                steps.cumsum(1).masked_fill(first < 0, -torch.inf),
                steps.sum(1, keepdim=True) + rest.scores.masked_fill(held, -torch.inf),
            ],
            1,
        )
        place, best = top_k(scores, k)
        items = torch.cat([first, rest.items], 1).gather(1, place.clamp_min(0)).masked_fill(place < 0, -1)
        return Ranked(items, best)
