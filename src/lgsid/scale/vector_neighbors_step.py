"""The nearest vectors of a part to those of a sample of places."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch.nn.functional import normalize

from lgsid.artefacts.embeddings import vectors_of_column
from lgsid.artefacts.tables import open_parquet
from lgsid.scale.part_files import NOT_OF_ITEMS, batches, content_id, part_writer
from lgsid.scale.step import Step
from lgsid.scale.task import Task


class VectorNeighborsStep(Step):
    """Find the k nearest vectors of a part to each query, by cosine; those of all parts are among these.

    Args:
        queries: File with the `item_id` and `vector` of Q places.
        k: Number of neighbors.
    """

    def __init__(self, queries: str | Path, k: int = 5) -> None:
        self.queries, self.k = str(Path(queries).resolve()), k
        self.content = content_id(Path(queries))

    def describe(self) -> Mapping[str, Any]:
        """Return the hash of the queries, and k."""
        return {"queries": self.content, "k": self.k}

    def open(self) -> None:
        """Load the queries."""
        table = open_parquet(self.queries, ("item_id", "vector"), "queries")
        self.ids = {str(name): row for row, name in enumerate(table["item_id"].to_pylist())}
        vectors = torch.from_numpy(vectors_of_column(table["vector"], self.queries).copy())
        self.vectors = normalize(vectors, dim=1)

    def make(self, task: Task, target: Path) -> Mapping[str, Any]:
        """Write Q times k rows or less: `query`, `cosine`, and the columns of the place that is near."""
        best: pa.Table | None = None
        for table in batches(task.source, ("item_id", "vector")):
            found = self.nearest(table, str(task.source))
            best = found if best is None else nearest_rows(pa.concat_tables([best, found]), self.k)
        with part_writer(target, {}) as writer:
            if best is not None:
                writer.write(best)
        return {"rows": 0 if best is None else len(best)}

    def nearest(self, table: pa.Table, where: str) -> pa.Table:
        """Return the k nearest rows of a table for each query."""
        vectors = normalize(torch.from_numpy(vectors_of_column(table["vector"], where).copy()), dim=1)
        cosine = self.vectors @ vectors.T
        for at, name in enumerate(table["item_id"].to_pylist()):
            if (query := self.ids.get(name)) is not None:
                cosine[query, at] = -torch.inf  # a place is not its own neighbor
        values, rows = cosine.topk(min(self.k, len(table)), dim=1)
        kept = table.select([name for name in table.column_names if name not in NOT_OF_ITEMS])
        near = kept.take(pa.array(rows.reshape(-1).numpy()))
        near = near.append_column("query", pa.array(np.repeat(np.arange(len(rows)), rows.shape[1])))
        near = near.append_column("cosine", pa.array(values.reshape(-1).numpy()))
        return near.filter(pa.array(np.isfinite(near["cosine"].to_numpy())))


def nearest_rows(table: pa.Table, k: int) -> pa.Table:
    """Return the k rows of largest cosine of each query; of equal ones those of the smaller ids."""
    query, cosine = table["query"].to_numpy(), table["cosine"].to_numpy()
    names = table["item_id"].to_numpy(zero_copy_only=False).astype(str)
    order = np.lexsort((names, -cosine, query))
    counts = np.bincount(query)
    rank = np.arange(len(order)) - (np.cumsum(counts) - counts)[query[order]]
    return table.take(pa.array(order[rank < k]))
