"""All counting baselines on the click-through task, in one pass over the queries."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.artefacts.dataset import Dataset
from lgsid.recommenders.counting.counting_recommender import CountingRecommender
from lgsid.recommenders.counting.log_source import LogSource
from lgsid.recommenders.counting.past_visits import PastVisits
from lgsid.recommenders.counting.ranking_suite import BASELINES, chunked, collected, counted_models, query_rows
from lgsid.recommenders.counting.simple_counts import VisitedBefore
from lgsid.recommenders.evaluation import ClickEvaluation, ClickSamples

CLICK_BASELINES: tuple[type[CountingRecommender], ...] = (*BASELINES, VisitedBefore)
"""`Popularity`, `VisitedBefore` and `NearestPlace` show what each of these three gives away alone."""


class Negatives(Protocol):
    """Stored negatives, such as the `candidates` of a `CTRData` that is set up."""

    def samples(
        self, log: CheckInLog, rows: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
        """Return candidates with the positive first, labels, and which are near, of log rows (B,); all (B, C)."""


def evaluate_counting_clicks(
    dataset: Dataset | str | Path,
    candidates: Negatives,
    split: str = "test",
    folder: str | Path | None = None,
    baselines: Sequence[CountingRecommender] | None = None,
) -> dict[str, float]:
    """Measure counting baselines on the click-through task; the past of every query is built once.

    Equal scores are not told apart: the AUC counts them half.

    Args:
        dataset: A dataset, or the folder of one.
        candidates: The negatives of every check-in, the same that other models see.
        split: "test" or "val".
        folder: If given, `per_sample_<Name>.parquet` is written there for each baseline: log row, user, candidate,
            label, near, score; the positive of a row first.
        baselines: The baselines; without it, all of `CLICK_BASELINES` with their default arguments.

    Returns:
        Metrics by name, `<Baseline>/<split>/auc` and so on, as `CTRMetrics` names them. No logloss: these scores are
        no probabilities.

    Raises:
        LgsidError: if the split has no queries, a query has no negatives, or two baselines have the same name.
    """
    source = LogSource.of(dataset if isinstance(dataset, Dataset) else Dataset.read(dataset))
    models = counted_models(source, [cls() for cls in CLICK_BASELINES] if baselines is None else baselines)
    evaluations = [ClickEvaluation(model.scores_are_logits) for model in models]
    rows = query_rows(source, split)
    samples = samples_of(source, candidates, rows)
    # kept in one array: pieces of each part would lie in the gaps that its large tables leave, and the heap would grow
    scores = torch.empty(len(models), *samples.candidate.shape, dtype=torch.float64)
    for part in chunked(np.arange(len(rows)), len(source.dataset.items)):
        visits = PastVisits.of_log(source.log, rows[part], len(source.dataset.items))
        candidate = samples.candidate[part]
        for model, kept in zip(models, scores, strict=True):
            with torch.no_grad():
                kept[part] = model.score_visits(visits).gather(1, candidate)
    for evaluation, kept in zip(evaluations, scores, strict=True):
        evaluation.update(samples, kept)
    return collected(models, evaluations, split, folder, shown="auc")


def samples_of(source: LogSource, candidates: Negatives, rows: npt.NDArray[np.int64]) -> ClickSamples:
    """Return the samples of the click-through task at log rows (B,)."""
    queries = (torch.from_numpy(values) for values in (rows, source.log.user[rows], source.log.is_new[rows]))
    return ClickSamples(*queries, *(torch.from_numpy(values) for values in candidates.samples(source.log, rows)))
