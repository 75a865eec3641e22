"""A random sample of places."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from lgsid.artefacts.held_out import held_out
from lgsid.scale.part_files import batches, part_writer
from lgsid.scale.step import Step
from lgsid.scale.task import Task


class SampleStep(Step):
    """Keep a share of the places of a part, told by a hash of their ids: the same whatever the parts are.

    Args:
        share: Share of the places, up to 1.
        seed: Random seed of the hash.
    """

    def __init__(self, share: float, seed: int = 0) -> None:
        self.share, self.seed = share, seed

    def describe(self) -> Mapping[str, Any]:
        """Return share and seed."""
        return {"share": self.share, "seed": self.seed}

    def make(self, task: Task, target: Path) -> Mapping[str, Any]:
        """Write the rows that are kept."""
        rows = 0
        with part_writer(target, {}) as writer:
            for table in batches(task.source, ("item_id",)):
                if self.share < 1:
                    ids = table["item_id"].to_numpy(zero_copy_only=False)
                    table = table.filter(pa.array(held_out(ids, self.share, self.seed)))
                writer.write(table)
                rows += len(table)
        return {"rows": rows}
