"""Places with vectors in, the same with codes before the collision strategy out, sorted by them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from lgsid import checkpoints
from lgsid.artefacts.embeddings import vectors_of_column
from lgsid.artefacts.hashes import file_hash
from lgsid.artefacts.names import CHECKPOINT_FILE
from lgsid.errors import LgsidError
from lgsid.scale.part_files import SORTED_ROWS, batches, items_of, part_writer
from lgsid.scale.step import Step
from lgsid.scale.task import Task
from lgsid.tokenizers.tokenizer import Tokenizer
from lgsid.typing import ItemBatch


class EncodeStep(Step):
    """Give each place the codes that a tokenizer encodes it with, and sort the part by first code.

    Sorted parts are what a step that takes a range of first codes can read from: only the row groups of its range.

    Args:
        checkpoint: `model.ckpt` of a tokenizer, or the run folder with it.

    Raises:
        LgsidError: if it is missing.
    """

    def __init__(self, checkpoint: str | Path) -> None:
        path = Path(checkpoint).resolve()
        path = path / CHECKPOINT_FILE if path.is_dir() else path
        if not path.is_file():
            raise LgsidError(f"{checkpoint}: no such file (expected the checkpoint of a tokenizer)")
        self.checkpoint, self.content = str(path), file_hash(path)

    def describe(self) -> Mapping[str, Any]:
        """Return the hash of the checkpoint."""
        return {"checkpoint": self.content}

    def open(self) -> None:
        """Load the tokenizer."""
        self.tokenizer = checkpoints.load(self.checkpoint, Tokenizer)  # type: ignore[type-abstract]

    def make(self, task: Task, target: Path) -> Mapping[str, Any]:
        """Write the columns of the places and `raw_1 .. raw_L`, sorted by `raw_1`, then by id."""
        table = pa.concat_tables(batches(task.source, ("item_id",)))
        with torch.no_grad():
            codes = self.tokenizer.encode(batch_of(self.tokenizer, table, task.source)).numpy()
        order = np.lexsort((id_order(table["item_id"]), codes[:, 0]))
        for level in range(codes.shape[1]):
            table = table.append_column(f"raw_{level + 1}", pa.array(codes[:, level]))
        with part_writer(target, {}) as writer:
            writer.write(table.take(pa.array(order)), SORTED_ROWS)
        held = np.bincount(codes[:, 0], minlength=self.tokenizer.codebook_sizes[0])
        return {"rows": len(table), "held": held.tolist()}


def batch_of(tokenizer: Tokenizer, table: pa.Table, where: str | Path) -> ItemBatch:
    """Return the places of a table as a tokenizer takes them, with vectors where the table has any."""
    vectors = vectors_of_column(table["vector"], f"{where}: column vector") if "vector" in table.column_names else None
    return tokenizer.batch_of(items_of(table, where), vectors)


def id_order(ids: pa.ChunkedArray) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the rank of each id among all, by the order of texts that `Tokenizer.tokenize` has, (N,)."""
    rank = np.empty(len(ids), np.int64)
    rank[np.argsort(ids.to_numpy(zero_copy_only=False).astype(str), kind="stable")] = np.arange(len(ids))
    return rank


def raw_codes(table: pa.Table, n_levels: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the codes before the collision strategy, (N, L)."""
    return np.stack([table[f"raw_{level + 1}"].to_numpy() for level in range(n_levels)], axis=1)
