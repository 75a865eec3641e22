"""Places in, places with vectors out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from lgsid.artefacts.items import COLUMNS
from lgsid.scale.encoder_config import encoder_of
from lgsid.scale.part_files import NOT_OF_ITEMS, batches, items_of, part_writer, vectors_column
from lgsid.scale.step import Step
from lgsid.scale.task import Task


class EmbedStep(Step):
    """Encode the prompt of each place of a part, batch by batch; the worker holds the text encoder.

    Args:
        settings: What `settings_of` found in a config.
        rows: Places encoded at once; memory grows with it, and not with the part.
    """

    def __init__(self, settings: Mapping[str, Any], rows: int = 8_192) -> None:
        self.settings, self.rows = dict(settings), rows

    def describe(self) -> Mapping[str, Any]:
        """Return the settings."""
        return self.settings

    def open(self) -> None:
        """Load the text encoder."""
        self.encoder, self.template = encoder_of(self.settings)
        self.encoder.eval()

    def make(self, task: Task, target: Path) -> Mapping[str, Any]:
        """Write the columns of the places, and `vector`, in the same order."""
        metadata = {"encoder": self.encoder.describe(), "prompts": self.template.describe()}
        done = 0
        with part_writer(target, metadata) as writer:
            for table in batches(task.source, COLUMNS, self.rows):
                prompts = self.template.prompts(items_of(table, task.source))
                vectors = self.encoder.encode(prompts, progress=False, use_cache=False).numpy()
                kept = table.select([name for name in table.column_names if name not in NOT_OF_ITEMS])
                writer.write(with_vectors(kept, vectors))
                done += len(table)
        return {"rows": done}


def with_vectors(table: pa.Table, vectors: np.ndarray[Any, np.dtype[np.float32]]) -> pa.Table:
    """Return a table with a column of vectors (N, D) behind it."""
    return table.append_column("vector", vectors_column(vectors))
