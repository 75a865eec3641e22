"""The most visited places."""

from __future__ import annotations

from torch import Tensor

from lgsid.recommenders.counting.base import CountingRecommender
from lgsid.recommenders.counting.past_visits import PastVisits


class Popularity(CountingRecommender):
    """Rank places by how often anybody visited them, the same list for everyone."""

    def __init__(self) -> None:
        super().__init__()
        self.save_hyperparameters()

    def score_visits(self, visits: PastVisits) -> Tensor:
        """Return the counts, shape (B, N)."""
        return self.popularity_for(visits).double().expand(len(visits), -1)
