"""Recommenders that score every item."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from lgsid.functional.ranking import pessimistic_rank, top_k
from lgsid.recommenders.recommender import Ranked, Recommender
from lgsid.typing import SequenceBatch


class ScoringRecommender(Recommender):
    """A recommender that gives each of the N items a score, so that the rank of any item is known."""

    full_ranks = True

    @abstractmethod
    def scores(self, batch: SequenceBatch) -> Tensor:
        """Return the score of every item for every query, shape (B, N), higher is better."""

    @torch.no_grad()
    def rank(self, batch: SequenceBatch, k: int, allowed: Tensor | None = None) -> Ranked:
        """Return the k items with the highest scores, equal scores in the order of rows."""
        return Ranked(*top_k(self.scores(batch), k, allowed))

    def evaluate(self, batch: SequenceBatch, allowed: Tensor | None = None) -> tuple[Ranked, Tensor]:
        """Return the first `k_max` items and the exact rank of the target."""
        scores = self.scores(batch)
        return Ranked(*top_k(scores, self.k_max, allowed)), pessimistic_rank(scores, batch.target, allowed)
