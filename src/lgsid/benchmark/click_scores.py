"""Scores of the samples of the click-through task, by user."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from lgsid.artefacts.tables import open_parquet
from lgsid.benchmark.user_scores import Floats, UserScores, aligned_mask, queries_hash
from lgsid.errors import LgsidError
from lgsid.functional.resampling import auc_of_runs, auc_runs, ratio
from lgsid.metrics import click_declarations as declared
from lgsid.metrics.slices import CLICK_SLICES

FILE_COLUMNS = ("row", "user", "candidate", "label", "near", "score")
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class ClickScores(UserScores):
    """The metrics of the click-through task, as `CTRMetrics` has them, by slice.

    A user who is sampled twice is two users: GAUC counts the user's own AUC twice, AUC pairs the user's positives also
    with the negatives of the copy. What has no value over all users is left out.

    Args:
        source: Name of the file, for messages.
        user: Shape (S,), whose sample it is.
        label: Shape (S,), 1 or 0.
        score: Shape (S,), higher means more likely positive.
        near: Shape (S,), positives and the negatives sampled near the last place.
        is_new: Shape (S,), whether the positive of the query is new to the user.
        queries: Hash of the samples.
        logits: Whether scores are logits, so that they have a log loss.
    """

    def __init__(
        self,
        source: str,
        user: Ints,
        label: Floats,
        score: Floats,
        near: Mask,
        is_new: Mask,
        queries: str,
        logits: bool = True,
    ) -> None:
        users, owner = np.unique(user, return_inverse=True)
        slices = {part.key: part.member(is_new) for part in CLICK_SLICES}
        compared = [metric for metric in declared.CLICK_METRICS if metric.compared]
        areas = [metric for metric in compared if isinstance(metric, declared.AreaMetric)]
        means = [metric for metric in compared if isinstance(metric, declared.UserMeanMetric)]
        masks = {
            key + metric.key: part & near if metric.only_near else part
            for key, part in slices.items()
            for metric in areas
        }
        self.runs = {
            key: auc_runs(score[mask], label[mask], owner[mask], len(users))
            for key, mask in masks.items()
            if len(np.unique(label[mask])) == 2
        }
        sums = {
            key + metric.key: user_sums(metric, score[part], label[part], owner[part], len(users))
            for key, part in slices.items()
            for metric in means
            if logits or not metric.of_logits
        }
        known = {key: pair for key, pair in sums.items() if pair[1].any()}
        self.sums = np.array([total for total, _ in known.values()]).reshape(-1, len(users)).T  # (U, averages)
        self.sizes = np.array([size for _, size in known.values()]).reshape(-1, len(users)).T
        super().__init__(source, users, (*self.runs, *known), queries)

    @classmethod
    def read(cls, path: Path, is_new: Mask, logits: bool = True) -> ClickScores:
        """Read `per_sample.parquet`. The order of its rows does not count.

        Args:
            path: The file: row of the log, user, candidate, label, near, score.
            is_new: Mask of the rows of the file (S,), whether the right place of the query is new to the user.
            logits: Whether scores are logits, so that they have a log loss.

        Raises:
            LgsidError: if the file is not what it should be.
        """
        table = open_parquet(path, FILE_COLUMNS, "table of scores")
        row, user, candidate, label, near, score = (table[name].to_numpy() for name in FILE_COLUMNS)
        new = aligned_mask(is_new, "new/", len(row), str(path))
        if not len(row) or np.isnan(score).any() or not np.isin(label, (0, 1)).all():
            raise LgsidError(f"{path}: scores must be there and be numbers, labels 0 or 1; run the stage again")
        order = np.lexsort((score, near, label, candidate, user, row))
        queries = queries_hash(*(column[order] for column in (row, user, candidate, label, near, new)))
        labels, scores = label[order].astype(np.float64), score[order].astype(np.float64)
        return cls(str(path), user[order], labels, scores, near[order], new[order], queries, logits)

    def evaluate(self, weights: Floats) -> Floats:
        """Return the metrics (B, K) of weightings (B, U); NaN where one class is left only."""
        areas = [auc_of_runs(*runs, weights)[:, None] for runs in self.runs.values()]
        return np.concatenate([*areas, ratio(weights @ self.sums, weights @ self.sizes)], axis=1)


def user_sums(
    metric: declared.UserMeanMetric, score: Floats, label: Floats, owner: Ints, n_users: int
) -> tuple[Floats, Floats]:
    """Return numerator and denominator of a metric by user.

    Args:
        metric: The metric.
        score: Shape (S,).
        label: Shape (S,), 1 or 0.
        owner: Shape (S,), positions of users.
        n_users: Users, U.

    Returns:
        Both of shape (U,).
    """
    total, size = metric.by_user(torch.from_numpy(score), torch.from_numpy(label), torch.from_numpy(owner), n_users)
    return total.numpy(), size.numpy()
