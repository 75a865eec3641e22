"""What a user did before a query, as flat pairs of query and visit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.typing import Batch, SequenceBatch


@dataclass(frozen=True)
class PastVisits(Batch):
    """B queries and the P visits that came before them, flat: pairs cost memory for visits only, not for padding.

    Pairs are ordered by query, then by time, oldest first.
    """

    row: Tensor  # (B,) int64 row of the query in the log, negative for a live query
    user: Tensor  # (B,) int64 number of the user, negative for somebody unknown
    hour: Tensor  # (B,) float32 local hour of the query
    weekday: Tensor  # (B,) int64
    last: Tensor  # (B,) int64 the user's last place, -1 where there is none
    query: Tensor  # (P,) int64 which query the visit belongs to, 0..B-1
    item: Tensor  # (P,) int64 item row
    order: Tensor  # (P,) int64 from 1, larger is more recent
    age_s: Tensor  # (P,) float64 seconds from the visit to the query
    visit_hour: Tensor  # (P,) float32
    visit_weekday: Tensor  # (P,) int64
    n_items: int  # N

    @classmethod
    def of(cls, batch: SequenceBatch, n_items: int) -> PastVisits:
        """Drop the padding of a batch's histories."""
        query, column = (batch.history >= 0).nonzero(as_tuple=True)
        padding = (batch.history < 0).sum(1)  # histories are right-aligned
        empty = torch.full_like(batch.row, -1)
        return cls(
            row=batch.row,
            user=batch.user,
            hour=batch.hour,
            weekday=batch.weekday,
            last=batch.history[:, -1] if batch.history.shape[1] else empty,
            query=query,
            item=batch.history[query, column],
            order=column + 1 - padding[query],
            age_s=batch.history_age_s[query, column],
            visit_hour=batch.history_hour[query, column],
            visit_weekday=batch.history_weekday[query, column],
            n_items=n_items,
        )

    @classmethod
    def of_log(cls, log: CheckInLog, rows: npt.NDArray[np.int64], n_items: int) -> PastVisits:
        """Find what came before the queries of the given log rows, shape (B,)."""
        n_before = log.n_before[rows]
        first = log.place_in_user_order[rows] - n_before
        query = np.repeat(np.arange(len(rows)), n_before)
        order = np.arange(len(query)) - np.repeat(np.cumsum(n_before) - n_before, n_before)
        past = log.by_user[first[query] + order]
        before = log.by_user[(first + n_before - 1).clip(min=0)]
        return cls(
            row=torch.from_numpy(rows.astype(np.int64)),
            user=torch.from_numpy(log.user[rows]),
            hour=torch.from_numpy(log.hour[rows]),
            weekday=torch.from_numpy(log.weekday[rows]),
            last=torch.from_numpy(np.where(n_before > 0, log.item[before], -1)),
            query=torch.from_numpy(query),
            item=torch.from_numpy(log.item[past]),
            order=torch.from_numpy(order + 1),
            age_s=torch.from_numpy(log.time_s[rows][query] - log.time_s[past]),
            visit_hour=torch.from_numpy(log.hour[past]),
            visit_weekday=torch.from_numpy(log.weekday[past]),
            n_items=n_items,
        )

    def take(self, which: Tensor) -> PastVisits:
        """Return the queries that a mask (B,) picks, with their visits."""
        number = which.cumsum(0) - 1
        kept = which[self.query]
        queries = {name: getattr(self, name)[which] for name in ("row", "user", "hour", "weekday", "last")}
        names = ("item", "order", "age_s", "visit_hour", "visit_weekday")
        visits = {name: getattr(self, name)[kept] for name in names}
        return PastVisits(**queries, query=number[self.query[kept]], **visits, n_items=self.n_items)

    @cached_property
    def cell(self) -> Tensor:
        """Where each visit falls in a flattened table of queries and items, shape (P,) int64."""
        return self.query * self.n_items + self.item

    def sum_per_item(self, weight: Tensor) -> Tensor:
        """Add the weights (P,) of the visits to the same place. Returns (B, N) float64."""
        cells = torch.bincount(self.cell, weight.double(), minlength=len(self) * self.n_items)
        return cells.double().view(len(self), self.n_items)

    def sum_per_query(self, weight: Tensor) -> Tensor:
        """Add the weights (P,) of all visits of a query. Returns (B,) float64."""
        return torch.bincount(self.query, weight.double(), minlength=len(self)).double()  # it counts where P is 0

    @cached_property
    def recency(self) -> Tensor:
        """Order of the last visit to each place, 0 where the user has never been, shape (B, N) int64."""
        cells = torch.zeros(len(self) * self.n_items, dtype=torch.int64, device=self.item.device)
        cells.scatter_reduce_(0, self.cell, self.order, "amax")
        return cells.view(len(self), self.n_items)
