"""The places a user went to last."""

from __future__ import annotations

from torch import Tensor

from lgsid.recommenders.counting.base import CountingRecommender
from lgsid.recommenders.counting.past_visits import PastVisits


class MostRecent(CountingRecommender):
    """Rank places by the user's last visit, the most recent first."""

    def __init__(self) -> None:
        super().__init__()
        self.save_hyperparameters()

    def score_visits(self, visits: PastVisits) -> Tensor:
        """Return the order of last visits, 0 where the user has never been, shape (B, N)."""
        return visits.recency.double()
