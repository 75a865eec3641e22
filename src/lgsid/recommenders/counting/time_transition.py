"""The places a user goes to at this time of the day, and where everybody goes from here."""

from __future__ import annotations

import torch
from torch import Tensor

from lgsid.recommenders.counting.past_visits import PastVisits
from lgsid.recommenders.counting.time_kernel import TimeKernel


class TimeTransition(TimeKernel):
    """Add the steps of all users from the last place to the time kernel (FIELD 2, `time + transition`).

    The sums of `TimeKernel`, normalised to 1 per query, plus `transition_weight * count(last -> place) /
    (count(last -> any) + shrinkage)`; then the score of the last place times `last_factor`.

    Args:
        hour_width: Standard deviation of the kernel over hours.
        age_days: Age after which a visit weighs 1/e.
        other_day_weight: Weight of a weekend visit for a weekday query, and the other way round.
        transition_weight: Weight of the steps.
        shrinkage: Steps that count as leading nowhere.
        last_factor: What the score of the last place is multiplied by.
    """

    def __init__(
        self,
        hour_width: float = 2.0,
        age_days: float = 30.0,
        other_day_weight: float = 0.5,
        transition_weight: float = 0.5,
        shrinkage: float = 5.0,
        last_factor: float = 0.3,
    ) -> None:
        super().__init__(hour_width, age_days, other_day_weight)
        self.save_hyperparameters()
        self.transition_weight = transition_weight
        self.shrinkage = shrinkage
        self.last_factor = last_factor

    def score_visits(self, visits: PastVisits) -> Tensor:
        """Return the normalised sum of weights plus the share of steps, shape (B, N)."""
        weight = self.weigh(visits)
        share = weight / visits.sum_per_query(weight)[visits.query]
        scores = visits.sum_per_item(share)
        query, place, steps = self.transitions.known(visits.last, self.moment(visits))
        counts = torch.bincount(query * visits.n_items + place, minlength=scores.numel()).view_as(scores)
        scores += self.transition_weight * counts / (steps[:, None] + self.shrinkage)
        known = (visits.last >= 0).nonzero()[:, 0]
        scores[known, visits.last[known]] *= self.last_factor
        return scores
