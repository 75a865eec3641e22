"""Popularity by category: what is known of a place that nobody has been to."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from lgsid.recommenders.check_in_source import CheckInSource
from lgsid.recommenders.counting.category_hours import HOURS, category_hours
from lgsid.recommenders.counting.counting_recommender import CountingRecommender
from lgsid.recommenders.counting.past_visits import PastVisits
from lgsid.typing import DataShape


class CategoryPopularity(CountingRecommender):
    """Rank places by the popularity of their category and by distance (docs/evaluation.md, "Counting models").

    `rate(category, hour) * exp(-sqrt(km / scale_km))`, the rate being the check-ins at this hour of the day that a
    visited place of the category has: `(n(category, hour) + prior * mean(hour)) / (places(category) + prior)`, with
    `mean(hour)` that of all visited places, which is also the rate of a category that nobody has visited. No count is
    of the place itself, so that a place of another city, or one that opens today, is ranked as any other.

    Args:
        scale_km: Scale of the distance decay.
        prior: Number of average places that each category gets on top of its own.
    """

    rate: Tensor  # (2, 24, C) float64: over training; over training and validation

    def __init__(self, scale_km: float = 0.3, prior: float = 1.0) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.scale_km = scale_km
        self.prior = prior

    def build(self, shape: DataShape) -> None:
        """Create the table of hours and categories."""
        super().build(shape)
        self.register_buffer("rate", torch.ones(2, HOURS, shape.n_categories, dtype=torch.float64))

    def take_catalogue(self, source: CheckInSource) -> None:
        """Count, also categories by hour."""
        super().take_catalogue(source)
        category, names = source.dataset.items.codes("category")
        visited = (self.popularity > 0).cpu().numpy()
        places = np.stack([np.bincount(category[of_part], minlength=len(names)) for of_part in visited])
        self.rate.copy_(self._rate(category_hours(source), torch.from_numpy(places).double()[:, None]))

    def _rate(self, counts: Tensor, places: Tensor) -> Tensor:
        """Return smoothed check-ins per place from counts (2, 24, C) and numbers of visited places (2, 1, C)."""
        mean = counts.sum(2, keepdim=True) / places.sum(2, keepdim=True).clamp_min(1)
        return (counts + self.prior * mean) / (places + self.prior)

    def score_visits(self, visits: PastVisits) -> Tensor:
        """Return the product of both factors, shape (B, N)."""
        by_category = self.rate[self.phase(visits), visits.hour.floor().long() % HOURS]  # (B, C)
        return by_category[:, self.catalogue.category] * torch.exp(-(self.km_from_last(visits) / self.scale_km).sqrt())
