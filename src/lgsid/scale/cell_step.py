"""The places of a part, sorted by cell."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from lgsid.functional.distances import unit_vectors
from lgsid.scale.encode_step import id_order
from lgsid.scale.part_files import SORTED_ROWS, batches, part_writer
from lgsid.scale.sphere_cells import SphereCells
from lgsid.scale.step import Step
from lgsid.scale.task import Task


class CellStep(Step):
    """Sort the places of a part by cell, without those that have no coordinates.

    Args:
        cells: The cells.
    """

    def __init__(self, cells: SphereCells) -> None:
        self.cells = cells

    def describe(self) -> Mapping[str, Any]:
        """Return the cuts of the cells."""
        return {"axis": list(self.cells.axis), "value": list(self.cells.value)}

    def make(self, task: Task, target: Path) -> Mapping[str, Any]:
        """Write `item_id`, `lat`, `lon` and `cell`, sorted by cell; the record has the box of each cell's places."""
        columns = ("item_id", "lat", "lon")
        table = pa.concat_tables(part.select(columns) for part in batches(task.source, columns))
        lat, lon = (table[name].to_numpy().astype(np.float64) for name in ("lat", "lon"))
        located = np.isfinite(lat) & np.isfinite(lon)
        table, points = table.filter(pa.array(located)), unit_vectors(lat[located], lon[located])
        cell = self.cells.cell(points)
        order = np.lexsort((id_order(table["item_id"]), cell))
        with part_writer(target, {}) as writer:
            writer.write(table.append_column("cell", pa.array(cell)).take(pa.array(order)), SORTED_ROWS)
        boxes = {}
        for number in np.unique(cell):
            inside = points[cell == number]
            boxes[str(number)] = [inside.min(axis=0).tolist(), inside.max(axis=0).tolist()]
        return {"rows": len(table), "left_out": int((~located).sum()), "boxes": boxes}
