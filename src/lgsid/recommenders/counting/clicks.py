"""All counting baselines on the click-through task, in one pass over the queries."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from lgsid.artefacts.dataset import Dataset
from lgsid.artefacts.files import atomic_path
from lgsid.artefacts.names import PER_SAMPLE_FILE, of_part
from lgsid.metrics.ctr import CTRMetrics
from lgsid.recommenders.counting.counting_recommender import CountingRecommender
from lgsid.recommenders.counting.log_source import LogSource
from lgsid.recommenders.counting.past_visits import PastVisits
from lgsid.recommenders.counting.suite import chunked, counted_models, query_rows

logger = logging.getLogger(__name__)


class Negatives(Protocol):
    """Stored negatives, such as the `candidates` of a `CTRData` that is set up."""

    def of(self, rows: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """Return negatives of log rows (B,), and which were drawn near the last place, both (B, K)."""


def evaluate_counting_clicks(
    dataset: Dataset | str | Path,
    candidates: Negatives,
    split: str = "test",
    folder: str | Path | None = None,
    baselines: Sequence[CountingRecommender] | None = None,
) -> dict[str, float]:
    """Measure counting baselines on the click-through task (FIELD 3.7); the past of every query is built once.

    Equal scores are not told apart: the AUC counts them half.

    Args:
        dataset: A dataset, or the folder of one.
        candidates: The negatives of every check-in, the same that other models see.
        split: "test" or "val".
        folder: If given, `per_sample_<Name>.parquet` is written there for each baseline: log row, user, candidate,
            label, near, score; the positive of a row first.
        baselines: The baselines; without it, all of `BASELINES` with their default arguments.

    Returns:
        Metrics by name, `<Baseline>/<split>/auc` and so on, as `CTRMetrics` names them. No logloss: these scores are
        no probabilities.

    Raises:
        LgsidError: if the split has no queries, a query has no negatives, or two baselines have the same name.
    """
    source = LogSource.of(dataset if isinstance(dataset, Dataset) else Dataset.read(dataset))
    runs = [ClickRun(model) for model in counted_models(source, baselines)]
    shared: list[dict[str, npt.NDArray[Any]]] = []
    for chunk in chunked(query_rows(source, split), len(source.dataset.items)):
        visits = PastVisits.of_log(source.log, chunk, len(source.dataset.items))
        samples = samples_of(source, candidates, chunk)
        shared.append({name: values.reshape(-1) for name, values in samples.items()})
        for run in runs:
            run.update(visits, samples)
    columns = {name: np.concatenate([part[name] for part in shared]) for name in shared[0]}
    results: dict[str, float] = {}
    for run in runs:
        name = type(run.model).__name__
        results |= {f"{name}/{split}/{key}": float(value) for key, value in run.metrics.compute().items()}
        if folder is not None:
            run.write(Path(folder) / of_part(PER_SAMPLE_FILE, name), columns)
        logger.info("%s: %s/auc %.4f", name, split, results[f"{name}/{split}/auc"])
    return results


def samples_of(source: LogSource, candidates: Negatives, rows: npt.NDArray[np.int64]) -> dict[str, npt.NDArray[Any]]:
    """Return what the click-through task serves of log rows (B,), each (B, 1 + K), the positive first."""
    log = source.log
    negative, near = candidates.of(rows)
    candidate = np.concatenate([log.item[rows][:, None], negative], axis=1)
    label = np.zeros(candidate.shape, dtype=np.float32)
    label[:, 0] = 1.0
    return {
        "row": np.repeat(rows[:, None], candidate.shape[1], axis=1),
        "user": np.repeat(log.user[rows][:, None], candidate.shape[1], axis=1),
        "candidate": candidate,
        "label": label,
        "near": np.concatenate([log.n_before[rows][:, None] > 0, near], axis=1),
        "is_new": np.repeat(log.is_new[rows][:, None], candidate.shape[1], axis=1),
    }


class ClickRun:
    """Collect what one baseline says of the samples.

    Args:
        model: The baseline, its counts taken.
    """

    def __init__(self, model: CountingRecommender) -> None:
        self.model = model
        self.metrics = CTRMetrics(model.probabilities)
        self.scores: list[Tensor] = []

    @torch.no_grad()
    def update(self, visits: PastVisits, samples: dict[str, npt.NDArray[Any]]) -> None:
        """Score the samples (B, C) of B queries."""
        candidate = torch.from_numpy(samples["candidate"])
        score = self.model.score_visits(visits).gather(1, candidate).reshape(-1)
        known = (torch.from_numpy(samples[name].reshape(-1)) for name in ("label", "user", "near", "is_new"))
        self.metrics.update(score, *known)
        self.scores.append(score)

    def write(self, path: Path, columns: dict[str, npt.NDArray[Any]]) -> None:
        """Write the samples with their scores, for paired statistics; each of the columns (S,)."""
        kept = {name: columns[name] for name in ("row", "user", "candidate", "label", "near")}
        with atomic_path(path) as partial:
            pq.write_table(pa.table({**kept, "score": torch.cat(self.scores).numpy()}), partial)
