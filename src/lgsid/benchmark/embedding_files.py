"""The files of judged vectors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lgsid.artefacts.files import write_json
from lgsid.artefacts.names import METRICS_FILE
from lgsid.artefacts.tables import open_parquet, write_parquet
from lgsid.benchmark.embedding_evaluation import EmbeddingEvaluation
from lgsid.benchmark.user_scores import queries_hash
from lgsid.errors import LgsidError
from lgsid.metrics.next_place_declarations import NEXT_PLACE_SLICES, RANKINGS

COMPARISON_FILE = "comparison.json"
RANKS_FILE = "next_place_ranks_{when}.parquet"
QUERY_COLUMNS = ("row", "user", "target")
SLICE_COLUMNS = {part.key: f"is_{part.key.rstrip('/')}" for part in NEXT_PLACE_SLICES if part.key}


def write_evaluation(found: EmbeddingEvaluation, folder: Path) -> None:
    """Write `metrics.json`, `comparison.json` and, for each set of vectors, the ranks of every query."""
    inside = {column: found.slices[key] for key, column in SLICE_COLUMNS.items()}
    for when, columns in found.ranks.items():
        write_parquet(pa.table({**columns, **inside}), folder / RANKS_FILE.format(when=when))
    write_json(folder / COMPARISON_FILE, found.comparison.to_dict())
    write_json(folder / METRICS_FILE, dict(found.metrics))


def read_ranks(
    path: Path,
) -> tuple[dict[str, npt.NDArray[np.int64]], Mapping[str, npt.NDArray[np.bool_]], str]:
    """Read the ranks of every query, whatever the order of their rows.

    Returns:
        User and the rank from 1 by each of `RANKINGS`, (Q,) each; slice key -> (Q,), which queries are of the slice;
        hash of the queries.

    Raises:
        LgsidError: if the file is not what it should be.
    """
    rankings = tuple(ranking.key for ranking in RANKINGS)
    table = open_parquet(path, (*QUERY_COLUMNS, *rankings, *SLICE_COLUMNS.values()), "table of ranks")
    columns = {name: table[name].to_numpy() for name in (*QUERY_COLUMNS, *rankings)}
    if not len(table) or not all((columns[name] >= 1).all() for name in rankings):
        raise LgsidError(f"{path}: ranks must be there and start at 1; run the stage again")
    order = np.lexsort(tuple(columns[name] for name in reversed(QUERY_COLUMNS)))
    inside = {key: table[name].to_numpy()[order].astype(bool) for key, name in SLICE_COLUMNS.items()}
    ordered = {name: column[order] for name, column in columns.items()}
    return ordered, inside, queries_hash(*(ordered[name] for name in QUERY_COLUMNS))
