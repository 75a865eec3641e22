"""The places a user goes to most."""

from __future__ import annotations

import torch
from torch import Tensor

from lgsid.recommenders.counting.base import CountingRecommender
from lgsid.recommenders.counting.past_visits import PastVisits


class UserFrequency(CountingRecommender):
    """Rank places by how often the user visited them."""

    def __init__(self) -> None:
        super().__init__()
        self.save_hyperparameters()

    def score_visits(self, visits: PastVisits) -> Tensor:
        """Return the user's counts, shape (B, N)."""
        return visits.sum_per_item(torch.ones_like(visits.age_s))
