"""Evaluation of rankings of all items: one known target per query."""

from __future__ import annotations

from collections.abc import Callable
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
from lgsid.metrics.slices import AMONG_COLD, EXPLORE, QuerySlice
from lgsid.processes import any_process
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


RankAmong = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Ranks queries, told by a mask (B,), among the items of a mask (E, N): lists (E, k), ranks of the targets (E,)."""


class RankingAmong:
    """A ranking of some places new to the user, for the queries whose target is one of them.

    Args:
        part: The slice that it measures.
        source: The dataset that is evaluated on and its log.
        places: Shape (N,) bool, the places that compete where they are new to the user.
        metrics: What is collected.
    """

    def __init__(self, part: QuerySlice, source: CheckInSource, places: Tensor, metrics: RankingMetrics) -> None:
        self.part, self.log, self.places, self.metrics = part, source.log, places, metrics

    def of(self, queries: RankedQueries) -> Tensor:
        """Return which of B queries are measured, shape (B,) bool."""
        return queries.is_new & self.places.to(queries.target.device)[queries.target]

    def competing(self, queries: RankedQueries) -> Tensor:
        """Return the items that compete, shape (B, N) bool."""
        visited = self.log.visited(queries.row.cpu().numpy(), len(self.places))
        return self.places.to(queries.row.device) & ~torch.from_numpy(visited).to(queries.row.device)


class RankingEvaluation(Evaluation):
    """Hit, NDCG, MRR and the rest of `RankingMetrics`, by slices; places new to the user also among such places only.

    The results are those of `RankingMetrics` over all items; behind `explore/` the same over the queries whose target
    is new to the user, ranked among the places where the user has not been; and behind `among_cold/` those of them
    whose target had no check-in before the test, ranked among such places. The saved columns are row, user, rank,
    is_new, explore_rank and cold_rank (-1 where the target is not of that kind).

    Args:
        source: The dataset that is evaluated on and its log, whose training part tells the popular items.
        full_ranks: Whether ranks beyond the end of a list are known, so that `mrr` can be given.
    """

    file_name = PER_QUERY_FILE

    def __init__(self, source: CheckInSource, full_ranks: bool = False) -> None:
        items = source.dataset.items
        slices = {names: torch.from_numpy(mask) for names, mask in item_slices(items, source.log).items()}
        lat, lon = torch.from_numpy(items.lat_deg.copy()), torch.from_numpy(items.lon_deg.copy())

        def metrics() -> RankingMetrics:
            return RankingMetrics(lat, lon, item_slices=slices, full_ranks=full_ranks)

        cold = torch.from_numpy(source.log.is_cold(len(items)))
        places = {EXPLORE: torch.ones_like(cold), AMONG_COLD: cold}
        self.all_items = metrics()
        self.among = tuple(RankingAmong(part, source, some, metrics()) for part, some in places.items())
        self._parts = []

    def to(self, device: torch.device | str) -> Self:
        """Move the metrics to the device of the rankings."""
        self.all_items = self.all_items.to(device)
        for among in self.among:
            among.metrics = among.metrics.to(device)
        return self

    def reset(self) -> None:
        """Forget all queries."""
        self.all_items.reset()
        for among in self.among:
            among.metrics.reset()
        self._parts = []

    def update(self, queries: RankedQueries, items: Tensor, rank: Tensor, rank_among: RankAmong | None = None) -> None:
        """Add queries.

        Args:
            queries: B queries.
            items: Shape (B, k), item rows best first, -1 is padding; k at least 10, or N.
            rank: Shape (B,), rank of the target from 1, `UNRANKED` where it was not returned.
            rank_among: Returns the same two for some of the queries, (E,) of the mask (B,), from the mask and the items
                that compete, (E, N) bool. Called for each ranking `among`; none is measured without it.
        """
        self.all_items.update(rank, queries.target, queries.is_new, items, queries.last)
        columns = [queries.row, queries.user, rank, queries.is_new]
        for among in self.among:
            column = torch.full_like(rank, -1)
            measured = among.of(queries)
            if rank_among is not None and bool(measured.any()):
                some = queries.take(measured)
                listed, column[measured] = rank_among(measured, among.competing(some))
                among.metrics.update(column[measured], some.target, some.is_new, listed, some.last)
            columns.append(column)
        self._parts.append(tuple(columns))

    def compute(self) -> dict[str, Tensor]:
        """Return the metrics by name."""
        found = self.all_items.compute() if any_process(self.all_items.update_count > 0) else {}
        for among in self.among:
            results = among.metrics.compute() if any_process(among.metrics.update_count > 0) else {}
            found |= {f"{among.part.key}{k}": v for k, v in results.items() if not k.startswith(("new/", "revisit/"))}
        return found

    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """Return row, user, rank, is_new, explore_rank and cold_rank of every query, each (Q,)."""
        columns = [torch.cat(part).cpu().numpy() for part in zip(*self._parts, strict=True)]
        names = ("row", "user", "rank", "is_new", *(among.part.rank_column for among in self.among))
        return dict(zip(names, columns, strict=True)) if columns else {}
