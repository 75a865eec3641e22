"""The baseline for places that are new to the user: popular, near, of a category that is visited at this hour."""

from __future__ import annotations

import torch
from torch import Tensor

from lgsid.recommenders.check_in_source import CheckInSource
from lgsid.recommenders.counting.category_hours import HOURS, category_hours
from lgsid.recommenders.counting.counting_recommender import CountingRecommender
from lgsid.recommenders.counting.past_visits import PastVisits
from lgsid.typing import DataShape


class NewPlaceFloor(CountingRecommender):
    """Rank places new to the user by popularity, distance and hour (docs/evaluation.md, "Counting models").

    `sqrt(count + count_prior) * exp(-sqrt(km / scale_km)) * p(category | hour) / p(category)`. The two probabilities
    are estimated with `category_prior` added to each cell of the table of hours and categories, and to each
    category. Places where the user has been are never returned, so that only the slices `new/` and `explore/` tell
    something.

    Args:
        scale_km: Scale of the distance decay.
        count_prior: Added to the count of every place.
        category_prior: Added to every count of categories.
    """

    lift: Tensor  # (2, 24, C) float64

    def __init__(self, scale_km: float = 0.3, count_prior: float = 0.1, category_prior: float = 1.0) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.scale_km = scale_km
        self.count_prior = count_prior
        self.category_prior = category_prior

    def build(self, shape: DataShape) -> None:
        """Create the table of hours and categories."""
        super().build(shape)
        self.register_buffer("lift", torch.ones(2, HOURS, shape.n_categories, dtype=torch.float64))

    def take_catalogue(self, source: CheckInSource) -> None:
        """Count, also categories by hour."""
        super().take_catalogue(source)
        self.lift.copy_(torch.stack([self._lift(counts) for counts in category_hours(source)]))

    def _lift(self, counts: Tensor) -> Tensor:
        """Return p(category | hour) / p(category) from counts (24, C)."""
        per_hour, per_category = counts + self.category_prior, counts.sum(0) + self.category_prior
        return (per_hour / per_hour.sum(1, keepdim=True)) / (per_category / per_category.sum())

    def score_visits(self, visits: PastVisits) -> Tensor:
        """Return the product of the three factors, minus infinity where the user has been, shape (B, N)."""
        scores = torch.exp(-(self.km_from_last(visits) / self.scale_km).sqrt())
        scores *= (self.popularity_for(visits).double() + self.count_prior).sqrt()
        by_category = self.lift[self.phase(visits), visits.hour.floor().long() % HOURS]  # (B, C)
        scores *= by_category[:, self.catalogue.category]
        scores[visits.query, visits.item] = -torch.inf
        return scores
