"""What every counting baseline is: a recommender with nothing to train."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer

from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.errors import LgsidError
from lgsid.functional.tie_break import lexicographic_rank, lexicographic_top_k
from lgsid.recommenders.check_in_source import CheckInSource
from lgsid.recommenders.counting.past_visits import PastVisits
from lgsid.recommenders.counting.split_task import SplitTask, task_of
from lgsid.recommenders.recommender import Ranked
from lgsid.recommenders.scoring_recommender import ScoringRecommender
from lgsid.typing import DataShape, SequenceBatch

CELLS = 1 << 21  # queries times items that are scored at once
LIVE = 1 << 40  # moment of a live query: it knows every step


class CountingRecommender(ScoringRecommender):
    """Rank places by counts; ties by recency, then popularity, then against the model (docs/evaluation.md).

    What is counted: training check-ins for validation queries, training and validation check-ins for test queries and
    live ones. Under the temporal split the user's own past and the steps between places of all users also grow with
    time, through the test itself; popularity never does. Under leave-one-out the steps do not grow. A query is live
    when its `row` is negative.

    There is no parameter to train: `lgsid fit` counts and saves, `lgsid test` may also be called with no checkpoint.
    """

    scores_are_logits = False
    """Counts have no logloss."""

    carries: ClassVar[str] = "of each place its attributes and number of check-ins, of each check-in its split"
    of_log: ClassVar[tuple[str, ...]] = ("row_moment", "row_phase")
    """Buffers whose sizes are those of the log."""

    popularity: Tensor  # (2, N) int64: counts over training; over training and validation
    row_moment: Tensor  # (M,) int64 what a query at that row of the log may know
    row_phase: Tensor  # (M,) int64 0 for training and validation queries, 1 for test queries

    def __init__(self) -> None:
        super().__init__(torch.optim.SGD)
        self.automatic_optimization = False

    @abstractmethod
    def score_visits(self, visits: PastVisits) -> Tensor:
        """Return the score of every item for every query, shape (B, N) float64, minus infinity where never returned."""

    def configure_optimizers(self) -> Optimizer | None:  # type: ignore[override]
        """Return nothing: there is no parameter."""
        return None

    def training_step(self, batch: SequenceBatch, batch_idx: int) -> None:
        """Do nothing: `setup` has counted."""

    def build(self, shape: DataShape) -> None:
        """Create the buffers; the log's part of them gets its size when it is counted or loaded."""
        super().build(shape)
        self.register_buffer("popularity", torch.zeros(2, shape.n_items, dtype=torch.int64))
        for name in self.of_log:
            self.register_buffer(name, torch.zeros(0, dtype=torch.int64))

    def take_catalogue(self, source: CheckInSource) -> None:
        """Count."""
        super().take_catalogue(source)
        self.count(source.log, task_of(source.dataset), len(source.dataset.items))

    def count(self, log: CheckInLog, task: SplitTask, n_items: int) -> None:
        """Count the log of check-ins.

        Args:
            log: M check-ins in the order of time.
            task: Of the split; it decides what a query may know.
            n_items: Number of items N.
        """
        counts = [log.item_counts(n_items, "train"), log.item_counts(n_items, "train", "val")]
        self.popularity = self._here(np.stack(counts))
        self.row_moment = self._here(task.moments(log))
        self.row_phase = self._here((log.split == "test").astype(np.int64))

    def forget_check_ins(self) -> None:
        """Forget which check-in may be known when: what is left answers live queries, and cannot be tested."""
        self.row_moment, self.row_phase = self.row_moment[:0], self.row_phase[:0]

    def check_catalogue(self) -> None:
        """Compare the items of the checkpoint with those of the datamodule.

        Raises:
            LgsidError: if they differ, or if the model has forgotten which check-in may be known when.
        """
        super().check_catalogue()
        if self.trained_on is not None and not len(self.row_moment):
            raise LgsidError(
                "checkpoint: it was stripped of check-ins and answers live queries only; test the whole one"
            )

    def _here(self, values: np.ndarray[Any, np.dtype[np.int64]]) -> Tensor:
        return torch.from_numpy(values.copy()).to(self.device)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Make room for the counts of the checkpoint."""
        super().on_load_checkpoint(checkpoint)
        for name in self.of_log:
            setattr(self, name, torch.zeros_like(checkpoint["state_dict"][name], device=self.device))

    def phase(self, visits: PastVisits) -> Tensor:
        """Return which counts a query may use: 0 training, 1 training and validation. Shape (B,) int64."""
        live = (visits.row < 0) | (visits.row >= len(self.row_phase))
        if not len(self.row_phase):
            return torch.ones_like(visits.row)
        return torch.where(live, 1, self.row_phase[visits.row.clamp(0, len(self.row_phase) - 1)])

    def moment(self, visits: PastVisits) -> Tensor:
        """Return up to which moment a query knows the steps of all users. Shape (B,) int64."""
        live = (visits.row < 0) | (visits.row >= len(self.row_moment))
        if not len(self.row_moment):
            return torch.full_like(visits.row, LIVE)
        return torch.where(live, LIVE, self.row_moment[visits.row.clamp(0, len(self.row_moment) - 1)])

    def popularity_for(self, visits: PastVisits) -> Tensor:
        """Return how often each place was visited, as far as the query may know.

        Returns:
            Shape (B, N) int64, or (N,) where all queries may know the same.
        """
        phase = self.phase(visits)
        if len(phase) and bool((phase == phase[0]).all()):
            return self.popularity[phase[0]]
        return self.popularity[phase]

    def km_from_last(self, visits: PastVisits) -> Tensor:
        """Return the distance of every place from the user's last one, 0 where there is none. (B, N) float64 km."""
        everywhere = torch.arange(len(self.catalogue), device=visits.last.device)
        return self.catalogue.km(visits.last[:, None], everywhere).masked_fill((visits.last < 0)[:, None], 0.0)

    def scores(self, batch: SequenceBatch) -> Tensor:
        """Return the score of every item for every query, shape (B, N) float64. Ties are broken in `rank` only."""
        return self.score_visits(PastVisits.of(batch, len(self.catalogue)))

    @torch.no_grad()
    def candidate_scores(self, batch: SequenceBatch, candidate: Tensor) -> Tensor:
        """Return the scores of the given candidates (B, C), shape (B, C). Ties stay ties."""
        return torch.cat([self.score_visits(visits).gather(1, candidate[rows]) for rows, visits in self._chunks(batch)])

    @torch.no_grad()
    def rank(self, batch: SequenceBatch, k: int, allowed: Tensor | None = None) -> Ranked:
        """Return the k best items; ties by recency, popularity, row."""
        parts = [
            self.top_visits(visits, self.score_visits(visits), k, _rows(allowed, rows))
            for rows, visits in self._chunks(batch)
        ]
        return Ranked(torch.cat([p.items for p in parts]), torch.cat([p.scores for p in parts]))

    @torch.no_grad()
    def evaluate(self, batch: SequenceBatch, allowed: Tensor | None = None) -> tuple[Ranked, Tensor]:
        """Return the first `k_max` items and the exact rank of the target among all items."""
        parts, ranks = [], []
        for rows, visits in self._chunks(batch):
            scores = self.score_visits(visits)
            parts.append(self.top_visits(visits, scores, self.k_max, _rows(allowed, rows)))
            ranks.append(self.rank_visits(visits, scores, batch.target[rows], _rows(allowed, rows)))
        ranked = Ranked(torch.cat([p.items for p in parts]), torch.cat([p.scores for p in parts]))
        return ranked, torch.cat(ranks)

    def top_visits(self, visits: PastVisits, scores: Tensor, k: int, allowed: Tensor | None = None) -> Ranked:
        """Return the k best items by scores (B, N), ties by recency, popularity, row."""
        recency, popularity = visits.recency, self.popularity_for(visits)
        items, best = lexicographic_top_k(scores, recency, popularity, k, allowed)
        return Ranked(items, best.float())

    def rank_visits(self, visits: PastVisits, scores: Tensor, target: Tensor, allowed: Tensor | None = None) -> Tensor:
        """Return the rank of targets (B,) by scores (B, N); ties by recency, popularity, against the model. (B,)."""
        recency, popularity = visits.recency, self.popularity_for(visits)
        return lexicographic_rank(scores, recency, popularity, target, allowed)

    def _chunks(self, batch: SequenceBatch) -> Iterator[tuple[Tensor, PastVisits]]:
        size = max(1, CELLS // max(1, len(self.catalogue)))
        for start in range(0, len(batch.row), size):
            rows = torch.arange(start, min(start + size, len(batch.row)), device=batch.row.device)
            yield rows, PastVisits.of(batch.take(rows), len(self.catalogue))


def _rows(allowed: Tensor | None, rows: Tensor) -> Tensor | None:
    return allowed if allowed is None or allowed.ndim == 1 else allowed[rows]
