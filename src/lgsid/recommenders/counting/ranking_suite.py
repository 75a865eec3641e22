"""All counting baselines in one pass over the queries."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from lgsid.artefacts.dataset import Dataset
from lgsid.artefacts.names import of_part
from lgsid.errors import LgsidError
from lgsid.recommenders.counting.counting_recommender import CELLS, CountingRecommender
from lgsid.recommenders.counting.log_source import LogSource
from lgsid.recommenders.counting.new_place_floor import NewPlaceFloor
from lgsid.recommenders.counting.past_visits import PastVisits
from lgsid.recommenders.counting.simple_counts import MostRecent, NearestPlace, Popularity, UserFrequency
from lgsid.recommenders.counting.time_kernel import TimeKernel
from lgsid.recommenders.counting.time_transition import TimeTransition
from lgsid.recommenders.evaluation import Evaluation, RankedQueries, RankingEvaluation

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
            explore_rank: the rank of a new place among the places new to the user, -1 at revisits, and cold_rank: the
            same among places without a check-in before the test, -1 at others.
        baselines: The baselines; without it, all of `BASELINES` with their default arguments.

    Returns:
        Metrics by name, `<Baseline>/<split>/hit@1` and so on, as `RankingMetrics` names them; `.../explore/...`
        is on new places, ranked among the places new to the user.

    Raises:
        LgsidError: if the split has no queries, or two baselines have the same name.
    """
    source = LogSource.of(dataset if isinstance(dataset, Dataset) else Dataset.read(dataset))
    models = counted_models(source, baselines)
    evaluations = [RankingEvaluation(source, model.full_ranks) for model in models]
    for rows in chunked(query_rows(source, split), len(source.dataset.items)):
        visits = PastVisits.of_log(source.log, rows, len(source.dataset.items))
        queries = RankedQueries.of_log(source.log, rows, visits.last)
        for model, evaluation in zip(models, evaluations, strict=True):
            update(evaluation, model, visits, queries)
    return collected(models, evaluations, split, folder, shown="mrr")


def collected(
    models: Sequence[CountingRecommender],
    evaluations: Sequence[Evaluation],
    split: str,
    folder: str | Path | None,
    shown: str,
) -> dict[str, float]:
    """Return the metrics of all baselines by name, and write the columns behind them.

    Args:
        models: The baselines.
        evaluations: What was collected of each.
        split: "test" or "val".
        folder: Where the columns go, one file for each baseline; nothing is written without it.
        shown: Key of the metric that is logged.
    """
    results: dict[str, float] = {}
    for model, evaluation in zip(models, evaluations, strict=True):
        name = type(model).__name__
        results |= {f"{name}/{split}/{key}": float(value) for key, value in evaluation.compute().items()}
        if folder is not None:
            evaluation.write(Path(folder) / of_part(evaluation.file_name, name))
        logger.info("%s: %s/%s %.4f", name, split, shown, results[f"{name}/{split}/{shown}"])
    return results


@torch.no_grad()
def update(
    evaluation: RankingEvaluation, model: CountingRecommender, visits: PastVisits, queries: RankedQueries
) -> None:
    """Add what a baseline returns for B queries with their past visits; every item is scored once."""
    scores = model.score_visits(visits)
    items, rank = model.top_visits(visits, scores, K).items, model.rank_visits(visits, scores, queries.target)

    def rank_among(some: torch.Tensor, competing: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        past, of_some = visits.take(some), scores[some]
        among = model.top_visits(past, of_some, K, competing).items
        return among, model.rank_visits(past, of_some, queries.target[some], competing)

    evaluation.update(queries, items, rank, rank_among)


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
        LgsidError: if there are none, or no check-ins of training.
    """
    rows = np.flatnonzero(source.log.split == split)
    if len(rows) == 0:
        raise LgsidError(f"baselines: the {split} split has no check-ins; known splits are val and test")
    if not (source.log.split == "train").any():
        raise LgsidError("baselines: the train split has no check-ins to count")
    return rows


def chunked(rows: npt.NDArray[np.int64], n_items: int) -> Iterator[npt.NDArray[np.int64]]:
    """Yield rows in parts whose scores of all N items fit in memory."""
    size = max(1, CELLS // max(1, n_items))
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
