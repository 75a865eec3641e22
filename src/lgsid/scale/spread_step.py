"""Places of first codes that hold too many, moved to other first codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from lgsid.errors import LgsidError
from lgsid.scale.encode_step import EncodeStep, batch_of, id_order, raw_codes
from lgsid.scale.part_files import part_writer, rows_in_range
from lgsid.scale.task import Task

MAX_CROWD = 4_000_000  # places of crowded first codes that are assigned anew at once, in one process


class SpreadStep(EncodeStep):
    """Let as few places as possible leave crowded first codes: the one thing that is decided over all of these at once.

    Args:
        checkpoint: `model.ckpt` of a tokenizer.
        held: Places of each first code.
    """

    def __init__(self, checkpoint: str | Path, held: Sequence[int]) -> None:
        super().__init__(checkpoint)
        self.held = list(held)

    def describe(self) -> Mapping[str, Any]:
        """Return the hash of the checkpoint, and the places of each first code."""
        return {**super().describe(), "held": self.held}

    def make(self, task: Task, target: Path) -> Mapping[str, Any]:
        """Write the places that leave, with the codes `spread_1 .. spread_L` that they get."""
        held, sizes = np.array(self.held, np.int64), self.tokenizer.codebook_sizes
        crowded = self.tokenizer.collisions.crowded(held, sizes)
        if held[crowded].sum() > MAX_CROWD:
            raise LgsidError(
                f"tokenize: {held[crowded].sum():,} places have first codes with more places than codes below them,"
                f" more than {MAX_CROWD:,} that are assigned at once; give the tokenizer more codes at its later levels"
            )
        paths = [Path(path) for path in task.inputs]
        table = pa.concat_tables(
            rows_in_range(paths, "raw_1", code, code + 1) for code in np.flatnonzero(crowded).tolist()
        )
        table = table.take(pa.array(np.argsort(id_order(table["item_id"]))))
        batch, codes = batch_of(self.tokenizer, table, "crowded places"), raw_codes(table, len(sizes))
        with torch.no_grad():
            spread = self.tokenizer.collisions.spread(codes, held, sizes, self.tokenizer.code_distances(batch))
        for level in range(len(sizes)):
            table = table.append_column(f"spread_{level + 1}", pa.array(spread[:, level]))
        moved = spread[:, 0] != codes[:, 0]
        with part_writer(target, {}) as writer:
            writer.write(table.filter(pa.array(moved)))
        return {"rows": int(moved.sum()), "crowd": len(table)}
