"""Queries with what several kinds of evidence read of them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from typing_extensions import Self

from lgsid.functional.time_kernel import visit_weights
from lgsid.recommenders.own_future import later_items, later_table
from lgsid.typing import Batch, SequenceBatch

HOURS = 24
LAST_LEFT = 0.3  # of the weight of check-ins at the last place: who is there will leave


@dataclass(frozen=True)
class QueryView(Batch):
    """B queries over N items, and which of the items are looked at.

    What a table over the training split knows too early (`own_future`) is here in three forms: as a table of items, as
    the check-ins themselves, and as the place before each of them.
    """

    last: Tensor  # (B,) int64 the user's last place, -1 where there is none
    second: Tensor  # (B,) int64 the place before it; the last one where there is none
    favorite: Tensor  # (B,) int64 the most frequent place, -1 where there is none
    recent: Tensor  # (B, T) int64 item rows of the past check-ins, oldest first, -1 is padding
    visits: Tensor  # (B, N) float32 past check-ins at each item
    usual: Tensor  # (B, N) float32 share of each item in the past check-ins at such a time, lately
    hour: Tensor  # (B,) int64 0..23
    weekend: Tensor  # (B,) int64 0 or 1
    lag_h: Tensor  # (B,) float32 hours since the last check-in, 0 where there is none
    later: Tensor  # (B, N) float32 the user's own training check-ins from the query on
    later_item: Tensor  # (B, F) int64 item rows of the same, -1 is padding
    later_before: Tensor  # (B, F) int64 item row of the place before each of them, -1 is padding or unknown
    later_hour: Tensor  # (B, F) int64 0..23
    later_weekend: Tensor  # (B, F) int64 0 or 1
    hidden: Tensor | None = None  # (B, N) bool items to be looked at as if nobody had been there
    places: Tensor | None = None  # (B, C) int64 items that are looked at; all of them, C = N, if not given

    @classmethod
    def of(cls, batch: SequenceBatch, n_items: int, hidden: Tensor | None = None, places: Tensor | None = None) -> Self:
        """Look at a batch of queries.

        Args:
            batch: B queries.
            n_items: Number of items N.
            hidden: Items to be looked at as if nobody had been there, (B, N) bool; none if not given.
            places: Items that are looked at, (B, C) int64; all of them if not given.
        """
        history, item = batch.history, later_items(batch)
        known = history >= 0
        visits = torch.zeros(len(batch), n_items, device=history.device)
        visits.scatter_add_(1, history.clamp_min(0), known.float())
        last = history[:, -1]
        second = history[:, -2] if history.shape[1] > 1 else last
        before = torch.cat([last[:, None], item], 1)[:, :-1] if item.shape[1] else item
        later_hour = item if batch.later_hour is None else batch.later_hour
        later_weekday = item if batch.later_weekday is None else batch.later_weekday
        return cls(
            last=last,
            second=torch.where(second >= 0, second, last),
            favorite=torch.where(known.any(1), visits.argmax(1), -1),
            recent=history,
            visits=visits,
            usual=usual_places(batch, n_items),
            hour=batch.hour.long() % HOURS,
            weekend=(batch.weekday >= 5).long(),
            lag_h=torch.where(known[:, -1], batch.history_age_s[:, -1] / 3600, 0).float().clamp_min(0),
            later=later_table(batch, n_items),
            later_item=item,
            later_before=before.masked_fill(item < 0, -1),
            later_hour=later_hour.long() % HOURS,
            later_weekend=(later_weekday >= 5).long(),
            hidden=hidden,
            places=places,
        )

    @property
    def new(self) -> Tensor:
        """Which items are new to the user, shape (B, N) bool."""
        return self.visits == 0

    def seen(self, counts: Tensor) -> Tensor:
        """Return counts at items as the queries may see them, shape (B, N): none below zero, none at hidden items."""
        counts = counts.clamp_min(0)
        return counts if self.hidden is None else counts.masked_fill(self.hidden, 0.0)

    def at_places(self, values: Tensor) -> Tensor:
        """Return values of items at the places that are looked at.

        Args:
            values: Shape (B, N), or (N,) where they are the same for all queries.

        Returns:
            Shape (B, C); (1, N) where all are looked at and the values are the same for all queries.
        """
        if self.places is None:
            return values if values.dim() == 2 else values[None]
        return values.gather(1, self.places) if values.dim() == 2 else values[self.places]

    def at_places_of(self, values: Tensor, kind: Tensor) -> Tensor:
        """Return values of kinds of items at the places that are looked at, shape (B, C).

        Args:
            values: Shape (B, K).
            kind: Shape (N,) int64, the kind of each item, 0..K - 1.
        """
        return values[:, kind] if self.places is None else values.gather(1, kind[self.places])

    def later_sum(self, of: Tensor, weight: Tensor, size: int) -> Tensor:
        """Sum weights over the user's own later check-ins.

        Args:
            of: Shape (B, F) int64, what each check-in is summed under, 0..size - 1.
            weight: Shape (B, F), ignored at padding.
            size: Number of sums S.

        Returns:
            Shape (B, S) float32.
        """
        sums = torch.zeros(len(self), size, device=of.device)
        return sums.scatter_add_(1, of.clamp_min(0), weight.float().masked_fill(self.later_item < 0, 0.0))

    def context(self) -> Tensor:
        """Describe the time, how long ago the last check-in was and how much the user explores, (B, N_CONTEXT)."""
        turn = self.hour * (2 * torch.pi / HOURS)
        n, distinct = self.visits.sum(1), (self.visits > 0).sum(1)
        columns = [torch.cos(turn), torch.sin(turn), torch.cos(2 * turn), torch.sin(2 * turn), self.weekend.float()]
        columns += [torch.log1p(self.lag_h) / 5, torch.log1p(n) / 5, distinct / n.clamp_min(1)]
        return torch.stack(columns, 1)


N_CONTEXT = 8  # columns of `QueryView.context`


def usual_places(batch: SequenceBatch, n_items: int) -> Tensor:
    """Return where the user usually is at such a time, but for the last place, of which a part is left.

    Past check-ins weigh as in the counting model `TimeKernel`.

    Args:
        batch: B queries.
        n_items: Number of items N.

    Returns:
        Shape (B, N) float32, rows sum to one, or are zero where there is no past.
    """
    history = batch.history
    when = batch.history_hour, batch.history_weekday, batch.history_age_s.clamp_min(0)
    weight = visit_weights(*when, batch.hour[:, None], batch.weekday[:, None])
    weight = weight * torch.where(history == history[:, -1:], LAST_LEFT, 1.0)
    table = torch.zeros(len(batch), n_items, device=history.device)
    table.scatter_add_(1, history.clamp_min(0), weight.float().masked_fill(history < 0, 0.0))
    return table / table.sum(1, keepdim=True).clamp_min(1e-9)
