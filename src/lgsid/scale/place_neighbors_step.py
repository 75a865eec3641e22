"""The nearest places of the places of a cell, among all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.spatial import cKDTree

from lgsid.functional.distances import EARTH_RADIUS_M, unit_vectors
from lgsid.geo.neighbors import nearest_places
from lgsid.scale.encode_step import id_order
from lgsid.scale.part_files import part_writer, rows_in_range
from lgsid.scale.sphere_cells import box_distances
from lgsid.scale.step import Step
from lgsid.scale.task import Task

Floats = npt.NDArray[np.float64]
WHOLE = 2.0  # the longest chord of the unit sphere
SLACK = 1e-9  # beyond the rounding of chords


class PlaceNeighborsStep(Step):
    """Find the k nearest places of each place of a cell, exactly, with only a halo of other cells' places in memory.

    The k-th nearest place of the same cell bounds the distance of the k-th nearest of all from above. So a place asks
    other cells only if the box of their places is within its bound, and of these only places within the largest bound
    that asks can be among the neighbors: they are the halo. A place whose cell has too few places asks all cells.

    Args:
        k: Number of neighbors.
        low: Least coordinates of each cell's places on the unit sphere, (C, 3); infinite where there are none.
        high: Largest coordinates, (C, 3).
        files: Which of a task's inputs hold places of each cell, by their numbers, length C.
    """

    def __init__(self, k: int, low: Floats, high: Floats, files: Sequence[Sequence[int]]) -> None:
        self.k, self.low, self.high, self.files = k, low, high, files

    def describe(self) -> Mapping[str, Any]:
        """Return k; the rest follows from the inputs."""
        return {"k": self.k}

    def make(self, task: Task, target: Path) -> Mapping[str, Any]:
        """Write `item_id` and the lists `neighbor` and `meters` of k places each, nearest first."""
        paths = [Path(path) for path in task.inputs]
        own = self.places(paths, task.settings["cell"])
        halo = self.halo(paths, task.settings["cell"], own)
        every = pa.concat_tables([own, halo])
        lat, lon = every["lat"].to_numpy(), every["lon"].to_numpy()
        rows, meters = nearest_places(lat, lon, self.k, n_queries=len(own))
        width, ids = rows.shape[1], every["item_id"].combine_chunks()
        found = {
            "neighbor": pa.ListArray.from_arrays(starts(rows.shape), ids.take(pa.array(rows.reshape(-1)))),
            "meters": pa.ListArray.from_arrays(starts(rows.shape), pa.array(meters.reshape(-1))),
        }
        with part_writer(target, {"k": width}) as writer:
            writer.write(pa.table({"item_id": own["item_id"], **found}))
        return {"rows": len(own), "halo": len(halo)}

    def places(self, paths: list[Path], cell: int) -> pa.Table:
        """Return the places of a cell in the order of their ids."""
        table = rows_in_range([paths[number] for number in self.files[cell]], "cell", cell, cell + 1)
        return table.take(pa.array(np.argsort(id_order(table["item_id"])))) if len(table) else table

    def halo(self, paths: list[Path], cell: int, own: pa.Table) -> pa.Table:
        """Return the places of other cells that can be among the neighbors of places `own`."""
        points = points_of(own)
        reach = np.full(len(own), WHOLE)
        if len(own) > self.k:
            meters = nearest_places(own["lat"].to_numpy(), own["lon"].to_numpy(), self.k)[1][:, -1]
            reach = 2.0 * np.sin(meters / (2.0 * EARTH_RADIUS_M)) * (1.0 + SLACK) + SLACK
        found = [own.slice(0, 0)]
        farthest = float(reach.max())
        for other in range(len(self.low)):
            low, high = self.low[other], self.high[other]
            if (
                other == cell
                or not np.isfinite(low).all()
                or gap(self.low[cell], self.high[cell], low, high) > farthest
            ):
                continue
            asks = box_distances(points, low, high) <= reach
            if asks.any():
                there = self.places(paths, other)
                near, _ = cKDTree(points[asks]).query(points_of(there))
                found.append(there.filter(pa.array(near <= reach[asks].max())))
        return pa.concat_tables(found)


def points_of(table: pa.Table) -> Floats:
    """Return the places of a table as points of the unit sphere, (N, 3)."""
    return unit_vectors(table["lat"].to_numpy(), table["lon"].to_numpy())


def gap(low: Floats, high: Floats, other_low: Floats, other_high: Floats) -> float:
    """Return the distance between two boxes, 0 where they meet."""
    return float(np.linalg.norm(np.maximum(np.maximum(low - other_high, other_low - high), 0.0)))


def starts(shape: tuple[int, ...]) -> pa.Array:
    """Return where each of the lists of one length begins, and where the last ends."""
    return pa.array(np.arange(shape[0] + 1, dtype=np.int32) * shape[1])
