"""The time kernel, with the transitions of all users from the last place."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.recommenders.counting.past_visits import PastVisits
from lgsid.recommenders.counting.split_task import SplitTask
from lgsid.recommenders.counting.time_kernel import TimeKernel
from lgsid.recommenders.counting.transition_counts import TransitionCounts


class TimeTransition(TimeKernel):
    """Time kernel plus the transitions of all users from the last place (docs/evaluation.md, "Counting models").

    The scores of `TimeKernel`, normalized to a sum of 1 per query, plus `transition_weight * count(last -> place) /
    (count(last -> any) + shrinkage)`; then the score of the last place times `last_factor`.

    Args:
        hour_width: Standard deviation of the kernel over hours.
        age_days: Age after which a visit weighs 1/e.
        other_day_weight: Weight of a weekend visit for a weekday query, and the other way round.
        transition_weight: Weight of the share of transitions.
        shrinkage: Transitions added to the denominator, so that shares estimated from few transitions are small.
        last_factor: Factor on the score of the last place.
    """

    carries: ClassVar[str] = (
        "the check-ins: every step of every user from place to place, in the order of time, without names;"
        " `lgsid strip` writes a checkpoint without them"
    )
    of_log: ClassVar[tuple[str, ...]] = (*TimeKernel.of_log, "step_origin", "step_moment", "step_place")

    step_origin: Tensor  # (E,) int64
    step_moment: Tensor  # (E,) int64
    step_place: Tensor  # (E,) int64

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

    def count(self, log: CheckInLog, task: SplitTask, n_items: int) -> None:
        """Count the log of check-ins, and the steps in it."""
        super().count(log, task, n_items)
        self.transitions = TransitionCounts.of_log(self._here(log.user), self._here(log.item), self.row_moment)

    @property
    def transitions(self) -> TransitionCounts:
        """The steps between places."""
        return TransitionCounts(self.step_origin, self.step_moment, self.step_place)

    @transitions.setter
    def transitions(self, steps: TransitionCounts) -> None:
        self.step_origin, self.step_moment, self.step_place = steps.origin, steps.moment, steps.place

    def forget_check_ins(self) -> None:
        """Forget when steps were made, and so which follow each other: how often each was made is left."""
        super().forget_check_ins()
        self.transitions = self.transitions.without_order()

    def score_visits(self, visits: PastVisits) -> Tensor:
        """Return the normalized sum of weights plus the share of transitions, shape (B, N)."""
        weight = self.weigh(visits)
        share = weight / visits.sum_per_query(weight)[visits.query]
        scores = visits.sum_per_item(share)
        query, place, steps = self.transitions.known(visits.last, self.moment(visits))
        counts = torch.bincount(query * visits.n_items + place, minlength=scores.numel()).view_as(scores)
        scores += self.transition_weight * counts / (steps[:, None] + self.shrinkage)
        known = (visits.last >= 0).nonzero()[:, 0]
        scores[known, visits.last[known]] *= self.last_factor
        return scores
