"""Queries of next-place retrieval: check-ins of a split at places new to the user, with where the user was before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.errors import LgsidError
from lgsid.typing import Batch


@dataclass(frozen=True)
class NextPlaceQueries(Batch):
    """Q queries, in the order of time. The user of each has been somewhere before, but not at the target."""

    row: Tensor  # (Q,) int64 row of the query in the log
    user: Tensor  # (Q,) int64
    target: Tensor  # (Q,) int64 item rows
    last: Tensor  # (Q,) int64 item row of the user's last place
    n_past: Tensor  # (Q,) int64 check-ins of the user before the query
    past: Tensor  # (sum of n_past,) int64 item rows, those of each query together

    @classmethod
    def of(cls, log: CheckInLog, split: str, most: int | None = None) -> NextPlaceQueries:
        """Return the queries of a split.

        Args:
            log: The check-ins of a dataset.
            split: "train", "val" or "test".
            most: Maximum number of queries, evenly spread over the split; all of them if not given.

        Raises:
            LgsidError: if there are none.
        """
        rows = log.at_new_places(split)
        if not len(rows):
            raise LgsidError(f"next-place retrieval: the {split} split has no check-in at a place new to its user")
        if most is not None and len(rows) > most:
            rows = rows[np.linspace(0, len(rows) - 1, most).round().astype(np.int64)]
        n_past = log.n_before[rows]
        ends = np.cumsum(n_past)
        own = np.repeat(log.place_in_user_order[rows] - ends, n_past)  # what a position in `past` is added to
        past = log.item[log.by_user[own + np.arange(len(own))]]
        columns = (rows, log.user[rows], log.item[rows], past[ends - 1], n_past, past)
        return cls(*(torch.from_numpy(np.ascontiguousarray(column)) for column in columns))

    def past_of(self, first: int, end: int) -> tuple[Tensor, Tensor]:
        """Return the places where the users of the queries `first` to before `end` were, and whose each is.

        Returns:
            Item rows (P,) and positions from `first` (P,), ascending.
        """
        ends = self.n_past.cumsum(0)
        start = int(ends[first] - self.n_past[first])
        owner = torch.repeat_interleave(torch.arange(end - first, device=self.past.device), self.n_past[first:end])
        return self.past[start : int(ends[end - 1])], owner
