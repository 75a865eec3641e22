"""All counting baselines in one pass over the queries."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from lgsid.artefacts.dataset import Dataset
from lgsid.artefacts.files import atomic_path
from lgsid.artefacts.names import PER_QUERY_FILE, of_part
from lgsid.errors import LgsidError
from lgsid.metrics.ranking import RankingMetrics
from lgsid.recommenders.counting.counting_recommender import CELLS, CountingRecommender
from lgsid.recommenders.counting.log_source import LogSource
from lgsid.recommenders.counting.new_place_floor import NewPlaceFloor
from lgsid.recommenders.counting.past_visits import PastVisits
from lgsid.recommenders.counting.simple_counts import MostRecent, NearestPlace, Popularity, UserFrequency
from lgsid.recommenders.counting.time_kernel import TimeKernel
from lgsid.recommenders.counting.time_transition import TimeTransition

logger = logging.getLogger(__name__)

BASELINES: tuple[type[CountingRecommender], ...] = (
    Popularity,
    UserFrequency,
    MostRecent,
    TimeKernel,
    TimeTransition,
    NearestPlace,
    NewPlaceFloor,
)
K = 10  # length of the lists


def evaluate_counting(
    dataset: Dataset | str | Path,
    split: str = "test",
    folder: str | Path | None = None,
    baselines: Sequence[CountingRecommender] | None = None,
) -> dict[str, float]:
    """Measure counting baselines on all queries of a split, full ranking; the past of every query is built once.

    Args:
        dataset: A dataset, or the folder of one.
        split: "test" or "val".
        folder: If given, `per_query_<Name>.parquet` is written there for each baseline: log row, user, rank, is_new,
            and explore_rank: the rank of a new place among the places new to the user, -1 at revisits.
        baselines: The baselines; without it, all of `BASELINES` with their default arguments.

    Returns:
        Metrics by name, `<Baseline>/<split>/hit@1` and so on, as `RankingMetrics` names them; `.../explore/...`
        is on new places, ranked among the places new to the user.

    Raises:
        LgsidError: if the split has no queries, or two baselines have the same name.
    """
    source = LogSource.of(dataset if isinstance(dataset, Dataset) else Dataset.read(dataset))
    models = counted_models(source, baselines)
    rows = query_rows(source, split)
    runs = [BaselineRun(model, source) for model in models]
    for chunk in chunked(rows, len(source.dataset.items)):
        visits = PastVisits.of_log(source.log, chunk, len(source.dataset.items))
        target = torch.from_numpy(source.log.item[chunk])
        is_new = torch.from_numpy(source.log.is_new[chunk])
        for run in runs:
            run.update(visits, target, is_new)
    user = source.log.user[rows]
    results: dict[str, float] = {}
    for run in runs:
        name = type(run.model).__name__
        results |= {f"{name}/{split}/{key}": value for key, value in run.results().items()}
        if folder is not None:
            run.write(Path(folder) / of_part(PER_QUERY_FILE, name), rows, user)
        logger.info("%s: %s/mrr %.4f", name, split, results[f"{name}/{split}/mrr"])
    return results


def counted_models(
    source: LogSource, baselines: Sequence[CountingRecommender] | None = None
) -> list[CountingRecommender]:
    """Return baselines that have counted the log, all of `BASELINES` with their default arguments if none are given.

    Raises:
        LgsidError: if two have the same name.
    """
    models = [cls() for cls in BASELINES] if baselines is None else list(baselines)
    names = [type(model).__name__ for model in models]
    if len(set(names)) < len(names):
        raise LgsidError(f"baselines: {', '.join(sorted(names))}: each may be there once only")
    for model in models:
        model.ensure_built(source.shape)
        model.take_catalogue(source)
    return models


def query_rows(source: LogSource, split: str) -> npt.NDArray[np.int64]:
    """Return the rows of the log that are queries of a split, in the order of time.

    Raises:
        LgsidError: if there are none.
    """
    rows = np.flatnonzero(source.log.split == split)
    if len(rows) == 0:
        raise LgsidError(f"baselines: the {split} split has no check-ins; known splits are val and test")
    return rows


def chunked(rows: npt.NDArray[np.int64], n_items: int) -> Iterator[npt.NDArray[np.int64]]:
    """Yield rows in parts whose scores of all N items fit in memory."""
    size = max(1, CELLS // max(1, n_items))
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


class BaselineRun:
    """Collect what one baseline returns.

    Args:
        model: The baseline, its counts taken.
        source: The data it is measured on.
    """

    def __init__(self, model: CountingRecommender, source: LogSource) -> None:
        self.model = model
        self.all: RankingMetrics = model.make_metrics(source)
        self.explore: RankingMetrics = model.make_metrics(source)
        self.parts: list[tuple[Tensor, Tensor, Tensor]] = []

    @torch.no_grad()
    def update(self, visits: PastVisits, target: Tensor, is_new: Tensor) -> None:
        """Rank the targets (B,) of queries."""
        scores = self.model.score_visits(visits)
        rank = self.model.rank_visits(visits, scores, target)
        self.all.update(rank, target, is_new, self.model.top_visits(visits, scores, K).items, visits.last)
        explored = torch.full_like(rank, -1)
        explored[is_new] = self._explore(scores[is_new], visits.take(is_new), target[is_new])
        self.parts.append((rank, is_new, explored))

    def _explore(self, scores: Tensor, visits: PastVisits, target: Tensor) -> Tensor:
        """Rank places among those new to the user. Returns the ranks of the targets (B,)."""
        allowed = visits.recency == 0
        rank = self.model.rank_visits(visits, scores, target, allowed)
        listed = self.model.top_visits(visits, scores, K, allowed).items
        self.explore.update(rank, target, torch.ones_like(target, dtype=torch.bool), listed, visits.last)
        return rank

    def results(self) -> dict[str, float]:
        """Return the metrics by name."""
        explored = self.explore.to_dict().items()
        kept = {f"explore/{k}": v for k, v in explored if not k.startswith(("new/", "revisit/"))}
        return self.all.to_dict() | kept

    def write(self, path: Path, rows: npt.NDArray[np.int64], user: npt.NDArray[np.int64]) -> None:
        """Write the ranks, for paired statistics."""
        rank, is_new, explored = (torch.cat(part).numpy() for part in zip(*self.parts, strict=True))
        columns = {"row": rows, "user": user, "rank": rank, "is_new": is_new, "explore_rank": explored}
        with atomic_path(path) as partial:
            pq.write_table(pa.table(columns), partial)
