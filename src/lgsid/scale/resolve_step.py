"""Unique semantic IDs of a range of first codes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch

from lgsid.artefacts.codes import code_columns
from lgsid.errors import LgsidError
from lgsid.scale.counts import size_histogram
from lgsid.scale.encode_step import EncodeStep, batch_of, id_order, raw_codes
from lgsid.scale.part_files import part_writer, rows_in_range
from lgsid.scale.task import Task

WORKING = ("vector", "raw_", "spread_")  # columns that the semantic IDs are made with, and that do not go with them


class ResolveStep(EncodeStep):
    """Apply the tokenizer's collision strategy to all places of a range of first codes.

    Its result is that of all places at once: no strategy with `by_first_code` looks beyond a first code, once crowded
    ones have been spread.

    Args:
        checkpoint: `model.ckpt` of a tokenizer.
        moved: File of the places that left a crowded first code, if any did.
    """

    def __init__(self, checkpoint: str | Path, moved: str | None = None) -> None:
        super().__init__(checkpoint)
        self.moved = moved

    def describe(self) -> Mapping[str, Any]:
        """Return the hash of the checkpoint, and whether places were moved."""
        return {**super().describe(), "moved": self.moved is not None}

    def make(self, task: Task, target: Path) -> Mapping[str, Any]:
        """Write `item_id`, `level_1 .. level_L` and the columns of the places, sorted by the codes."""
        start, end = task.settings["start"], task.settings["end"]
        table = rows_in_range([Path(path) for path in task.inputs], "raw_1", start, end)
        before, n_levels = size_histogram(raw_codes(table, len(self.tokenizer.codebook_sizes))), self.n_raw
        codes = raw_codes(table, n_levels)
        if self.moved is not None:
            table, codes = self.with_moved(table, codes, start, end)
        order = np.argsort(id_order(table["item_id"]))
        table, codes = table.take(pa.array(order)), codes[order]
        batch, raw = batch_of(self.tokenizer, table, target.parent), raw_codes(table, n_levels)
        if pc.count_distinct(table["item_id"]).as_py() < len(table):
            raise LgsidError(f"tokenize: an item_id of first codes {start} to {end - 1} occurs more than once")
        with torch.no_grad():
            resolved = self.tokenizer.collisions.resolve(
                codes, self.tokenizer.codebook_sizes, self.tokenizer.code_distances(batch)
            )
            kept = resolved.codes[:, :n_levels]
            squares = [self.tokenizer.squared_errors(batch, torch.from_numpy(given)) for given in (raw, kept)]
        written, sizes = resolved.written
        with part_writer(target, {**self.tokenizer.about(), "codebook_sizes": list(sizes)}) as writer:
            writer.write(semantic_ids(table, written))
        return {
            "rows": len(table),
            "codebook_sizes": list(sizes),
            "before": before,
            "changed": (raw != kept).sum(axis=0).tolist(),
            "squares": None if squares[0] is None else [list(found) for found in squares if found is not None],
        }

    @property
    def n_raw(self) -> int:
        """Number of levels before the collision strategy."""
        return len(self.tokenizer.codebook_sizes)

    def with_moved(
        self, table: pa.Table, codes: np.ndarray[Any, np.dtype[np.int64]], start: int, end: int
    ) -> tuple[pa.Table, np.ndarray[Any, np.dtype[np.int64]]]:
        """Return the places of a range, and their codes, without those that left it and with those that came."""
        moved = rows_in_range([Path(str(self.moved))], "raw_1", 0, self.tokenizer.codebook_sizes[0])
        stays = ~np.asarray(pc.is_in(table["item_id"], moved["item_id"].combine_chunks()))
        came = moved.filter((pc.field("spread_1") >= start) & (pc.field("spread_1") < end))
        new = np.stack([came[f"spread_{level + 1}"].to_numpy() for level in range(self.n_raw)], axis=1)
        both = pa.concat_tables([table.filter(pa.array(stays)), came.select(table.column_names)])
        return both, np.concatenate([codes[stays], new])


def semantic_ids(table: pa.Table, codes: np.ndarray[Any, np.dtype[np.int64]]) -> pa.Table:
    """Return places with their codes (N, L) behind their ids, sorted by them, without what these were made with."""
    columns = {"item_id": table["item_id"], **code_columns(codes)}
    columns |= {name: table[name] for name in table.column_names if not name.startswith(WORKING)}
    return pa.table(columns).take(pa.array(np.lexsort(codes.T[::-1])))
