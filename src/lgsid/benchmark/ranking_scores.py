"""Ranks of the target places, by user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse

from lgsid.artefacts.tables import open_parquet
from lgsid.benchmark.user_scores import Floats, UserScores, aligned_mask, queries_hash
from lgsid.errors import LgsidError
from lgsid.functional.ranking import UNRANKED
from lgsid.functional.resampling import ratio
from lgsid.metrics.ranking_declarations import RankMetric, compared_rank_metrics
from lgsid.metrics.slices import COLD_COLUMN, EXPLORE_COLUMN, QUERY_SLICES, RANK_COLUMN

FILE_COLUMNS = ("row", "user", RANK_COLUMN, "is_new", EXPLORE_COLUMN, COLD_COLUMN)
COLD = "cold/"  # key of the slice of items that says which are cold


class RankingScores(UserScores):
    """The compared metrics of ranks, as `RankingMetrics` has them: sums and numbers of queries per user and slice.

    Args:
        source: Name of the file, for messages.
        user: Shape (Q,), whose query it is.
        ranks: Slice key -> shape (Q,), rank of the right place from 1; less than 1 where a query is not of the slice.
            Slices without a query are left out.
        queries: Hash of the queries.
    """

    def __init__(
        self, source: str, user: npt.NDArray[np.int64], ranks: Mapping[str, npt.NDArray[np.int64]], queries: str
    ) -> None:
        users, owner = np.unique(user, return_inverse=True)
        found = {key: rank for key, rank in ranks.items() if (rank >= 1).any()}
        self.metrics = compared_rank_metrics()
        super().__init__(source, users, tuple(key + metric.key for key in found for metric in self.metrics), queries)
        by_user = sparse.csr_array((np.ones(len(user)), (owner, np.arange(len(user)))), shape=(len(users), len(user)))
        self.sums: Floats = by_user @ np.concatenate(
            [gains(rank, self.metrics) for rank in found.values()], axis=1
        )  # (U, K)
        self.counts: Floats = by_user @ np.stack([rank >= 1 for rank in found.values()], 1).astype(float)  # (U, slices)

    @classmethod
    def read(cls, path: Path, slices: Mapping[str, npt.NDArray[np.bool_]] | None = None) -> RankingScores:
        """Read `per_query.parquet`. The order of its rows does not count.

        Args:
            path: The file: row of the log, user, rank, is_new, explore_rank and cold_rank (-1 where not measured).
            slices: Slice key such as `head/` -> mask of the rows of the file, shape (Q,). Those of `QUERY_SLICES` are
                there anyway, where a slice of cold places needs to know these (`cold/`).

        Raises:
            LgsidError: if the file is not what it should be.
        """
        table = open_parquet(path, FILE_COLUMNS, "table of ranks")
        row, user, rank, is_new, explore, cold_rank = (table[name].to_numpy() for name in FILE_COLUMNS)
        if not len(row) or not (rank >= 1).all():
            raise LgsidError(f"{path}: ranks must be there and start at 1; run the stage again")
        order = np.lexsort((rank, user, row))
        by_column = {RANK_COLUMN: rank, EXPLORE_COLUMN: explore, COLD_COLUMN: cold_rank}
        masks = {key: aligned_mask(mask, key, len(row), str(path)) for key, mask in (slices or {}).items()}
        ranks = {}
        for part in QUERY_SLICES:
            if part.cold is None or COLD in masks:
                counted = part.member(is_new) if part.cold is None else part.member(is_new) & (masks[COLD] == part.cold)
                ranks[part.key] = np.where(counted, by_column[part.rank_column], 0)
        ranks |= {key: np.where(mask, rank, 0) for key, mask in masks.items()}
        queries = queries_hash(row[order], user[order], is_new[order])
        return cls(str(path), user[order], {key: of_slice[order] for key, of_slice in ranks.items()}, queries)

    def evaluate(self, weights: Floats) -> Floats:
        """Return the metrics (B, K) of weightings (B, U); NaN where a slice has no query left."""
        return ratio(weights @ self.sums, np.repeat(weights @ self.counts, len(self.metrics), axis=1))


def gains(rank: npt.NDArray[np.int64], metrics: Sequence[RankMetric]) -> Floats:
    """Return what each query adds to the sums of M metrics, shape (Q, M); 0 where the rank (Q,) is less than 1."""
    counted = torch.from_numpy(np.where(rank >= 1, rank, UNRANKED).astype(np.int64))
    return np.stack([metric.gain(counted).numpy() for metric in metrics], axis=1)
