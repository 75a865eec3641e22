"""Evaluation of rankings of all items: one known target per query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from typing_extensions import Self

from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.artefacts.names import PER_QUERY_FILE
from lgsid.metrics.ranking import RankingMetrics
from lgsid.recommenders.check_in_source import CheckInSource
from lgsid.recommenders.evaluation.evaluation import Evaluation
from lgsid.recommenders.evaluation.item_slices import item_slices
from lgsid.typing import Batch, SequenceBatch


@dataclass(frozen=True)
class RankedQueries(Batch):
    """What an evaluation needs to know of queries."""

    row: Tensor  # (B,) int64 row of the query in the log
    user: Tensor  # (B,) int64
    target: Tensor  # (B,) int64 item rows
    is_new: Tensor  # (B,) bool, the user has never been to the target before
    last: Tensor  # (B,) int64 item row of the user's last place, -1 where there is none

    @classmethod
    def of(cls, batch: SequenceBatch) -> RankedQueries:
        """Return the queries of a batch."""
        return cls(batch.row, batch.user, batch.target, batch.is_new, batch.history[:, -1])

    @classmethod
    def of_log(cls, log: CheckInLog, rows: npt.NDArray[np.int64], last: Tensor) -> RankedQueries:
        """Return the queries at log rows (B,) of users whose last places are `last` (B,)."""
        row, user, item, is_new = (
            torch.from_numpy(v) for v in (rows, log.user[rows], log.item[rows], log.is_new[rows])
        )
        return cls(row, user, item, is_new, last)


class RankingEvaluation(Evaluation):
    """Hit, NDCG, MRR and the rest of `RankingMetrics`, by slices; places new to the user also among new places only.

    The results are those of `RankingMetrics` over all items and, behind `explore/`, the same over the queries whose
    target is new to the user, ranked among the places where the user has not been. The saved columns are row, user,
    rank, is_new, and explore_rank (-1 where the target is not new).

    Args:
        source: The dataset that is evaluated on and its log, whose training part tells the popular items.
        full_ranks: Whether ranks beyond the end of a list are known, so that `mrr` can be given.
    """

    file_name = PER_QUERY_FILE

    def __init__(self, source: CheckInSource, full_ranks: bool = False) -> None:
        self.log, self.n_items = source.log, len(source.dataset.items)
        items = source.dataset.items
        masks = item_slices(items, source.log.item_counts(len(items), "train"))
        slices = {names: torch.from_numpy(mask) for names, mask in masks.items()}
        lat, lon = torch.from_numpy(items.lat_deg.copy()), torch.from_numpy(items.lon_deg.copy())
        self.all_items = RankingMetrics(lat, lon, item_slices=slices, full_ranks=full_ranks)
        self.new_items = RankingMetrics(lat, lon, item_slices=slices, full_ranks=full_ranks)
        self._parts: list[tuple[Tensor, ...]] = []

    def to(self, device: torch.device | str) -> Self:
        """Move the metrics to the device of the rankings."""
        self.all_items, self.new_items = self.all_items.to(device), self.new_items.to(device)
        return self

    def reset(self) -> None:
        """Forget all queries."""
        self.all_items.reset()
        self.new_items.reset()
        self._parts = []

    def new_to_user(self, queries: RankedQueries) -> Tensor:
        """Return the items where the users have not been before the queries, shape (B, N) bool."""
        visited = self.log.visited(queries.row.cpu().numpy(), self.n_items)
        return ~torch.from_numpy(visited).to(queries.row.device)

    def update(
        self, queries: RankedQueries, items: Tensor, rank: Tensor, explored: tuple[Tensor, Tensor] | None = None
    ) -> None:
        """Add queries.

        Args:
            queries: B queries.
            items: Shape (B, k), item rows best first, -1 is padding; k at least 10, or N.
            rank: Shape (B,), rank of the target from 1, `UNRANKED` where it was not returned.
            explored: The same two for the E queries whose target is new, ranked among the places new to the user.
        """
        self.all_items.update(rank, queries.target, queries.is_new, items, queries.last)
        explore_rank = torch.full_like(rank, -1)
        if explored is not None:
            new = queries.take(queries.is_new)
            self.new_items.update(explored[1], new.target, new.is_new, explored[0], new.last)
            explore_rank[queries.is_new] = explored[1]
        self._parts.append((queries.row, queries.user, rank, queries.is_new, explore_rank))

    def compute(self) -> dict[str, Tensor]:
        """Return the metrics by name."""
        explored = self.new_items.compute() if self.new_items.update_count else {}
        kept = {f"explore/{k}": v for k, v in explored.items() if not k.startswith(("new/", "revisit/"))}
        return (self.all_items.compute() if self.all_items.update_count else {}) | kept

    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """Return row, user, rank, is_new and explore_rank of every query, each (Q,)."""
        columns = [torch.cat(part).cpu().numpy() for part in zip(*self._parts, strict=True)]
        names = ("row", "user", "rank", "is_new", "explore_rank")
        return dict(zip(names, columns, strict=True)) if columns else {}
