"""The user's visits, weighted by a kernel over the time of day."""

from __future__ import annotations

from torch import Tensor

from lgsid.functional.time_kernel import visit_weights
from lgsid.recommenders.counting.counting_recommender import CountingRecommender
from lgsid.recommenders.counting.past_visits import PastVisits


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
        return visit_weights(
            visits.visit_hour.double(),
            visits.visit_weekday,
            visits.age_s,
            visits.hour.double()[visits.query],
            visits.weekday[visits.query],
            self.hour_width,
            self.age_days,
            self.other_day_weight,
        )

    def score_visits(self, visits: PastVisits) -> Tensor:
        """Return the sum of weights per place, shape (B, N)."""
        return visits.sum_per_item(self.weigh(visits))
