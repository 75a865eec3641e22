"""The nearest places of every place of a catalogue in parts."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from lgsid.artefacts.hashes import text_hash
from lgsid.errors import LgsidError
from lgsid.functional.distances import unit_vectors
from lgsid.scale.catalogue import ROWS, RUNS, rows_in, sampled_rows
from lgsid.scale.cell_step import CellStep
from lgsid.scale.executor import Executor
from lgsid.scale.part_files import part_files
from lgsid.scale.part_record import PartRecord
from lgsid.scale.parts_run import run_parts
from lgsid.scale.place_neighbors_step import PlaceNeighborsStep
from lgsid.scale.sphere_cells import SphereCells
from lgsid.scale.task import Task, tasks_of

PLACES_OF_A_CELL = 100_000
SAMPLE = 100_000  # places whose medians cut the cells
NEIGHBORS = "neighbors"


def neighbors_of_catalogue(
    catalogue: str | Path, output: str | Path, executor: Executor, k: int = 10, places_of_a_cell: int = PLACES_OF_A_CELL
) -> int:
    """Write the k nearest places of each place, exactly, a file for each cell, and return how many places have them.

    Args:
        catalogue: Folder of Parquet files with `item_id`, `lat` and `lon`.
        output: Folder for `neighbors/` and the places sorted by cell.
        executor: Who runs it.
        k: Number of neighbors.
        places_of_a_cell: About how many places are searched at once.

    Raises:
        LgsidError: if a file cannot be read, or no place has coordinates.
    """
    output = Path(output)
    if k < 1 or places_of_a_cell < 1:
        raise LgsidError(f"neighbors: expected positive numbers, got k {k} and {places_of_a_cell} places of a cell")
    total = sum(pq.read_metadata(path).num_rows for path in part_files(catalogue))
    sample = sampled_rows(catalogue, SAMPLE, output / ROWS, executor, 0)
    lat, lon = (sample[name].to_numpy().astype(np.float64) for name in ("lat", "lon"))
    located = np.isfinite(lat) & np.isfinite(lon)
    depth = max(math.ceil(math.log2(total / places_of_a_cell)), 0)
    cells = SphereCells.of(unit_vectors(lat[located], lon[located]), depth)
    runs = run_parts(CellStep(cells), tasks_of(catalogue), output / RUNS, executor)
    low, high = boxes_of(runs, cells.count)
    files = tuple(str(path) for path in part_files(output / RUNS))
    identity = text_hash(record.content for record in runs)
    used = np.flatnonzero(np.isfinite(low).all(axis=1)).tolist()
    if not used:
        raise LgsidError(f"{catalogue}: no place has coordinates")
    tasks = [Task(f"cell-{cell:05d}", files, identity, {"cell": cell}) for cell in used]
    inside = [[at for at, run in enumerate(runs) if str(cell) in run.told["boxes"]] for cell in range(cells.count)]
    return rows_in(run_parts(PlaceNeighborsStep(k, low, high, inside), tasks, output / NEIGHBORS, executor))


def boxes_of(runs: list[PartRecord], count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and the largest coordinates of the places of each cell, (C, 3) each; infinite if there is none.

    Args:
        runs: Records of `CellStep`.
        count: Number of cells C.
    """
    low, high = np.full((count, 3), np.inf), np.full((count, 3), -np.inf)
    for record in runs:
        for cell, (least, largest) in record.told["boxes"].items():
            low[int(cell)] = np.minimum(low[int(cell)], least)
            high[int(cell)] = np.maximum(high[int(cell)], largest)
    return low, high
