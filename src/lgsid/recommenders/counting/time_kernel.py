"""The user's visits, weighted by a kernel over the time of day."""

from __future__ import annotations

import torch
from torch import Tensor

from lgsid.recommenders.counting.counting_recommender import CountingRecommender
from lgsid.recommenders.counting.past_visits import PastVisits

SATURDAY = 5
DAY_S = 86_400.0


class TimeKernel(CountingRecommender):
    """Weight the user's visits by time of day, age, and kind of day (docs/evaluation.md, "Counting models").

    A visit weighs `exp(-(dh / hour_width)^2 / 2) * exp(-age / age_days)`, dh the circular difference of local hours,
    times `other_day_weight` if one of visit and query is on a weekend and the other is not.

    Args:
        hour_width: Standard deviation of the kernel over hours.
        age_days: Age after which a visit weighs 1/e.
        other_day_weight: Weight of a weekend visit for a weekday query, and the other way round.
    """

    def __init__(self, hour_width: float = 2.0, age_days: float = 30.0, other_day_weight: float = 0.5) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.hour_width = hour_width
        self.age_days = age_days
        self.other_day_weight = other_day_weight

    def weigh(self, visits: PastVisits) -> Tensor:
        """Return the weight of every visit, shape (P,) float64."""
        apart = (visits.visit_hour.double() - visits.hour.double()[visits.query]).abs()
        apart = torch.minimum(apart, 24.0 - apart)
        weight = torch.exp(-((apart / self.hour_width) ** 2) / 2 - visits.age_s / (DAY_S * self.age_days))
        same_kind = (visits.visit_weekday >= SATURDAY) == (visits.weekday >= SATURDAY)[visits.query]
        return torch.where(same_kind, weight, weight * self.other_day_weight)

    def score_visits(self, visits: PastVisits) -> Tensor:
        """Return the sum of weights per place, shape (B, N)."""
        return visits.sum_per_item(self.weigh(visits))
