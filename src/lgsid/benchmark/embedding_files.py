"""The files of judged vectors."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from lgsid.artefacts.files import write_json
from lgsid.artefacts.names import METRICS_FILE
from lgsid.artefacts.tables import write_parquet
from lgsid.benchmark.embedding_evaluation import EmbeddingEvaluation

COMPARISON_FILE = "comparison.json"
RANKS_FILE = "next_place_ranks_{when}.parquet"


def write_evaluation(found: EmbeddingEvaluation, folder: Path) -> None:
    """Write `metrics.json`, `comparison.json` and, for each set of vectors, the ranks of every query."""
    for when, columns in found.ranks.items():
        write_parquet(pa.table(dict(columns)), folder / RANKS_FILE.format(when=when))
    write_json(folder / COMPARISON_FILE, found.comparison.to_dict())
    write_json(folder / METRICS_FILE, dict(found.metrics))
