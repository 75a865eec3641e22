"""How often users went from one place straight to another, as known at the time of a query."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lgsid.typing import Batch


@dataclass(frozen=True)
class TransitionCounts(Batch):
    """Steps from place to place, each with the moment from which it counts, sorted by origin and moment.

    A moment is whatever orders steps and queries: the row in the log (temporal split), or the number of the split
    (leave-one-out). A query with moment m sees the steps with a smaller one.
    """

    origin: Tensor  # (E,) int64 item row the step starts from
    moment: Tensor  # (E,) int64
    place: Tensor  # (E,) int64 item row the step leads to

    @classmethod
    def of_log(cls, user: Tensor, item: Tensor, moment: Tensor) -> TransitionCounts:
        """Count the steps of a log.

        Args:
            user: Shape (M,), the log is sorted by time.
            item: Shape (M,), item rows.
            moment: Shape (M,), when the check-in becomes known; a step is known with the check-in it leads to.
        """
        by_user = user.argsort(stable=True)
        before, after = by_user[:-1], by_user[1:]
        same = user[before] == user[after]
        before, after = before[same], after[same]
        order = moment[after].argsort(stable=True)
        order = order[item[before][order].argsort(stable=True)]
        return cls(item[before][order], moment[after][order], item[after][order])

    def without_order(self) -> TransitionCounts:
        """Return the same steps as if all were known from the start, those from one place by where they lead."""
        order = self.place.argsort(stable=True)
        order = order[self.origin[order].argsort(stable=True)]
        return TransitionCounts(self.origin[order], torch.zeros_like(self.moment), self.place[order])

    def known(self, origin: Tensor, moment: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Find the steps from the places `origin` known at `moment`.

        Args:
            origin: Shape (B,), item rows, -1 finds nothing.
            moment: Shape (B,).

        Returns:
            Pairs of query (P,) and place (P,), one per step, and the number of steps of each query, (B,).
        """
        latest = int(self.moment.max()) + 1 if len(self) else 0
        width, moment = latest + 1, moment.clamp(0, latest)
        keys = self.origin * width + self.moment
        first = torch.searchsorted(keys, origin * width)
        steps = torch.searchsorted(keys, origin * width + moment) - first
        steps = torch.where(origin >= 0, steps, 0)
        query = torch.repeat_interleave(torch.arange(len(origin), device=origin.device), steps)
        start = steps.cumsum(0) - steps
        entry = torch.arange(len(query), device=origin.device) - start[query] + first[query]
        return query, self.place[entry], steps
