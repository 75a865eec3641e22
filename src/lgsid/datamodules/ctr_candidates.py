"""The stored negatives of the click-through task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.spatial import cKDTree

from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.artefacts.items import Items
from lgsid.artefacts.tables import open_parquet, read_metadata, with_metadata, write_parquet
from lgsid.errors import LgsidError
from lgsid.functional.distances import EARTH_RADIUS_M, chord_to_m, unit_vectors

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

PRIOR = 1.0  # added to every count, so that a place without training check-ins is not known to be a positive
TRIES = 16  # popular places tried at once before looking at all places around
ROUNDS = 8
CELLS = 1 << 22  # pairs of places looked at at once


@dataclass(frozen=True)
class CTRCandidates:
    """Negatives of each check-in, sampled once and the same for every model.

    Args:
        row: Shape (Q,), rows of the log, rising.
        negative: Shape (Q, K), item rows, never the positive.
        near: Shape (Q, K), which of them were sampled near the user's last place.
        metadata: Plain values: seed, radius, data hash.
    """

    row: IntArray
    negative: IntArray
    near: BoolArray
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def draw(
        cls, log: CheckInLog, items: Items, near_km: float = 5.0, n_near: int = 2, n_any: int = 2, seed: int = 0
    ) -> CTRCandidates:
        """Sample negatives for every check-in of the log, by training popularity, with replacement.

        A place is sampled with a probability in proportion to its training check-ins plus one. Where nothing but the
        positive is near the last place, or there is none, a negative from anywhere takes the place of a near one.

        Args:
            log: M check-ins.
            items: N places.
            near_km: Radius around the user's last place, in km.
            n_near: Negatives from there.
            n_any: Negatives from anywhere.
            seed: Random seed for negative sampling.

        Raises:
            LgsidError: if there are fewer than two items, or the radius is not positive.
        """
        if len(items) < 2:
            raise LgsidError("CTR candidates: a negative needs at least two items")
        if not near_km > 0:
            raise LgsidError(f"CTR candidates: near_km must be positive, not {near_km}")
        rng = np.random.default_rng(seed)
        weight = np.asarray(log.item_counts(len(items), "train") + PRIOR, dtype=np.float64)
        rows = np.arange(len(log))
        before = log.by_user[(log.place_in_user_order - 1).clip(min=0)]
        last = np.where(log.n_before > 0, log.item[before], -1)
        anywhere = _draw_any(rng, weight, np.repeat(log.item, n_near + n_any)).reshape(len(log), -1)
        drawn, found = _draw_near(rng, weight, items, np.repeat(last, n_near), np.repeat(log.item, n_near), near_km)
        drawn, found = drawn.reshape(-1, n_near), found.reshape(-1, n_near)
        negative = np.concatenate([np.where(found, drawn, anywhere[:, :n_near]), anywhere[:, n_near:]], axis=1)
        near = np.concatenate([found, np.zeros((len(log), n_any), dtype=bool)], axis=1)
        return cls(rows, negative, near, {"seed": seed, "near_km": near_km})

    def of(self, rows: IntArray) -> tuple[IntArray, BoolArray]:
        """Return negatives and near flags of log rows (B,), both (B, K).

        Raises:
            LgsidError: if a row has none.
        """
        at = np.searchsorted(self.row, rows).clip(max=max(0, len(self.row) - 1))
        if len(self.row) == 0 or (self.row[at] != rows).any():
            raise LgsidError("CTR candidates: some check-ins have no negatives; delete the file to draw it anew")
        return self.negative[at], self.near[at]

    def samples(self, log: CheckInLog, rows: IntArray) -> tuple[IntArray, npt.NDArray[np.float32], BoolArray]:
        """Return what the click-through task serves of log rows (B,): 1 + K candidates each, the positive first.

        Returns:
            Candidates, labels, and which candidates are near, all (B, 1 + K). Near are the negatives sampled near the
            last place, and the positives of users who have one.

        Raises:
            LgsidError: if a row has no negatives.
        """
        negative, near = self.of(rows)
        candidate = np.concatenate([log.item[rows][:, None], negative], axis=1)
        label = np.zeros(candidate.shape, dtype=np.float32)
        label[:, 0] = 1.0
        return candidate, label, np.concatenate([log.n_before[rows][:, None] > 0, near], axis=1)

    @classmethod
    def read(cls, path: str | Path) -> CTRCandidates:
        """Read a file written by `write`.

        Raises:
            LgsidError: if it is missing or is not such a file.
        """
        table = open_parquet(path, ("row", "negative", "near"), "table of CTR candidates")
        n = len(table)
        negative = np.asarray(table["negative"].combine_chunks().flatten()).astype(np.int64).reshape(n, -1)
        near = table["near"].combine_chunks().flatten().to_numpy(zero_copy_only=False).astype(bool).reshape(n, -1)
        return cls(np.asarray(table["row"]).astype(np.int64), negative, near, read_metadata(table, path))

    def write(self, path: str | Path) -> None:
        """Write as Parquet, atomically."""
        width = self.negative.shape[1]
        columns = {
            "row": pa.array(self.row),
            "negative": pa.FixedSizeListArray.from_arrays(pa.array(self.negative.reshape(-1)), width),
            "near": pa.FixedSizeListArray.from_arrays(pa.array(self.near.reshape(-1)), width),
        }
        write_parquet(with_metadata(pa.table(columns), dict(self.metadata)), path)


def _draw_any(rng: np.random.Generator, weight: npt.NDArray[np.float64], positive: IntArray) -> IntArray:
    """Draw one item per positive (S,), in proportion to weight (N,), the positive left out. Returns (S,).

    The positive's own stretch of the cumulative weights is jumped over.
    """
    ends = np.cumsum(weight)
    at = rng.random(len(positive)) * (ends[-1] - weight[positive])
    at = np.where(at >= ends[positive] - weight[positive], at + weight[positive], at)
    drawn = np.searchsorted(ends, at, side="right").clip(max=len(weight) - 1)
    beside = np.where(positive + 1 < len(weight), positive + 1, positive - 1)
    return np.where(drawn == positive, beside, drawn)  # rounding at the very border of two stretches


def _draw_near(
    rng: np.random.Generator,
    weight: npt.NDArray[np.float64],
    items: Items,
    last: IntArray,
    positive: IntArray,
    near_km: float,
) -> tuple[IntArray, BoolArray]:
    """Draw one item within `near_km` of each last place (S,), the positive left out; -1 where there is none.

    Popular places are drawn from anywhere and the first near one is kept, which is exact; the few samples for which
    that fails are drawn from a look at all places around.

    Returns:
        Items (S,) and whether there was one (S,).
    """
    points = unit_vectors(items.lat_deg, items.lon_deg)
    drawn = np.full(len(last), -1, dtype=np.int64)
    open_ = np.flatnonzero(last >= 0)
    for _ in range(ROUNDS):
        missed = [np.empty(0, np.int64)]
        for part in np.array_split(open_, 1 + len(open_) * TRIES // CELLS):
            tried = _draw_any(rng, weight, np.repeat(positive[part], TRIES)).reshape(-1, TRIES)
            near = _is_near(points[tried], points[last[part]][:, None], near_km)
            hit = near.any(axis=1)
            drawn[part[hit]] = tried[hit, near[hit].argmax(axis=1)]
            missed.append(part[~hit])
        open_ = np.concatenate(missed)
    share = rng.random(len(open_))
    drawn[open_] = _draw_around(share, weight, points, last[open_], positive[open_], near_km)
    return drawn, drawn >= 0


def _draw_around(
    share: npt.NDArray[np.float64],
    weight: npt.NDArray[np.float64],
    points: npt.NDArray[np.float64],
    last: IntArray,
    positive: IntArray,
    near_km: float,
) -> IntArray:
    """Pick the item at a share (S,) of the weight (N,) within `near_km` of each last place, the positive left out.

    The surroundings of each distinct place are looked up once.

    Returns:
        Items (S,), -1 where there is none.
    """
    drawn = np.full(len(last), -1, dtype=np.int64)
    tree, n = cKDTree(points), len(weight)
    chord = 2.0 * np.sin(min(near_km * 1e3 / (2.0 * EARTH_RADIUS_M), np.pi / 2)) * (1.0 + 1e-9)
    order = np.argsort(last, kind="stable")
    centers = np.unique(last)
    sizes = tree.query_ball_point(points[centers], chord, return_length=True) if len(centers) else np.empty(0, np.int64)
    for some in np.split(np.arange(len(centers)), np.flatnonzero(np.diff(np.cumsum(sizes) // CELLS)) + 1):
        if not len(some):
            continue
        pairs = cKDTree(points[centers[some]]).sparse_distance_matrix(tree, chord, output_type="ndarray")
        near = _is_near(points[centers[some[pairs["i"]]]], points[pairs["j"]], near_km)
        key = np.sort(pairs["i"][near].astype(np.int64) * n + pairs["j"][near])
        ends = np.concatenate([[0.0], weight[key % n].cumsum()])  # counts, so that sums are exact
        rows = order[slice(*np.searchsorted(last[order], [centers[some[0]], centers[some[-1]] + 1]))]
        center = np.searchsorted(centers[some], last[rows])
        first, end = np.searchsorted(key, [center * n, (center + 1) * n])
        own = np.searchsorted(key, center * n + positive[rows])
        inside = (own < len(key)) & (key[own.clip(max=max(len(key) - 1, 0))] == center * n + positive[rows])
        left_out = np.where(inside, weight[positive[rows]], 0.0)
        total = ends[end] - ends[first] - left_out
        at = share[rows] * total
        at = ends[first] + np.where(inside & (at >= ends[own] - ends[first]), at + left_out, at)
        found = key[(np.searchsorted(ends, at, side="right") - 1).clip(max=end - 1)] % n
        drawn[rows] = np.where(total > 0, found, -1)
    return drawn


def _is_near(left: npt.NDArray[np.float64], right: npt.NDArray[np.float64], near_km: float) -> BoolArray:
    """Tell which points of the unit sphere (..., 3) are within `near_km` of each other; shapes broadcast."""
    return np.asarray(chord_to_m(np.linalg.norm(left - right, axis=-1)) <= near_km * 1e3)
