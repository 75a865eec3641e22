"""Scores of places that users went to and of others, kept by user."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from lgsid.artefacts.tables import open_parquet
from lgsid.benchmark.user_scores import Floats, UserScores, aligned_mask, queries_hash
from lgsid.errors import LgsidError
from lgsid.functional.auc import grouped_auc
from lgsid.functional.resampling import auc_of_runs, auc_runs, ratio

FILE_COLUMNS = ("row", "user", "candidate", "label", "near", "score")
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class ClickScores(UserScores):
    """AUC, GAUC, AUC against near negatives and log loss, as `CTRMetrics` has them, for `""`, `new/` and `revisit/`.

    A user who is drawn twice is two users: GAUC counts the user's own AUC twice, AUC pairs the user's positives also
    with the negatives of the copy. What has no value over all users is left out.

    Args:
        source: Where they are from.
        user: Shape (S,), whose sample it is.
        label: Shape (S,), 1 or 0.
        score: Shape (S,), higher means more likely positive.
        near: Shape (S,), positives and the negatives drawn near.
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
        everything = np.ones(len(user), dtype=bool)
        slices = {"": everything, "new/": is_new, "revisit/": ~is_new}
        self.runs = {
            key + name: auc_runs(score[part & mask], label[part & mask], owner[part & mask], len(users))
            for key, part in slices.items()
            for name, mask in (("auc", everything), ("near_auc", near))
            if len(np.unique(label[part & mask])) == 2
        }
        averages = {"gauc": gauc_sums} | ({"logloss": loss_sums} if logits else {})
        sums = {
            key + name: function(score[part], label[part], owner[part], len(users))
            for key, part in slices.items()
            for name, function in averages.items()
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


def gauc_sums(score: Floats, label: Floats, owner: Ints, n_users: int) -> tuple[Floats, Floats]:
    """Return numerator and denominator of the GAUC by user.

    Args:
        score: Shape (S,).
        label: Shape (S,), 1 or 0.
        owner: Shape (S,), positions of users.
        n_users: Users, U.

    Returns:
        AUC of each user times samples, and samples, both (U,) and 0 for users without both labels.
    """
    total, size = np.zeros(n_users), np.zeros(n_users)
    positives = np.bincount(owner, label, n_users)
    both = (positives > 0) & (positives < np.bincount(owner, minlength=n_users))
    areas, sizes = grouped_auc(torch.from_numpy(score), torch.from_numpy(label), torch.from_numpy(owner))
    size[both] = sizes.numpy()
    total[both] = areas.numpy() * size[both]
    return total, size


def loss_sums(score: Floats, label: Floats, owner: Ints, n_users: int) -> tuple[Floats, Floats]:
    """Return numerator and denominator of the log loss by user; arguments and shapes as of `gauc_sums`."""
    losses = binary_cross_entropy_with_logits(torch.from_numpy(score), torch.from_numpy(label), reduction="none")
    total = np.bincount(owner, losses.numpy(), n_users)
    return total.astype(np.float64), np.bincount(owner, minlength=n_users).astype(np.float64)
