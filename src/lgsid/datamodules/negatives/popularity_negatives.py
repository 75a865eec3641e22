"""Negatives drawn by popularity."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.artefacts.items import Items
from lgsid.datamodules.negatives.negative_sampler import BoolArray, IntArray, NegativeSampler
from lgsid.errors import LgsidError
from lgsid.functional.distances import EARTH_RADIUS_M, chord_to_m, unit_vectors

PRIOR = 1.0  # added to every count, so that a place without training check-ins is not known to be a positive
TRIES = 16  # popular places tried at once before looking at all places around
ROUNDS = 8
CELLS = 1 << 22  # pairs of places looked at at once


class PopularityNegatives(NegativeSampler):
    """Negatives drawn by training popularity, some within a radius of the last place: they give themselves away.

    They are more popular than positives are, and seldom of the user's own past. Results of before `MatchedNegatives`
    were measured with them. A place is drawn with a probability in proportion to
    its training check-ins plus one, with replacement. Where nothing but the positive is near the last place, or there
    is none, a negative from anywhere takes the place of a near one.

    Args:
        near_km: Radius around the user's last place, in km.
        n_near: Negatives from there.
        n_any: Negatives from anywhere.
    """

    def __init__(self, near_km: float = 5.0, n_near: int = 2, n_any: int = 2) -> None:
        if not near_km > 0:
            raise LgsidError(f"PopularityNegatives: near_km must be positive, not {near_km}")
        super().__init__(n_near, n_any)
        self.near_km = near_km

    def draw(self, log: CheckInLog, items: Items, rng: np.random.Generator) -> tuple[IntArray, BoolArray]:
        """Draw K negatives for each check-in; see the base class."""
        weight = np.asarray(log.item_counts(len(items), "train") + PRIOR, dtype=np.float64)
        before = log.by_user[(log.place_in_user_order - 1).clip(min=0)]
        last = np.where(log.n_before > 0, log.item[before], -1)
        anywhere = _draw_any(rng, weight, np.repeat(log.item, self.n_near + self.n_any))
        anywhere = anywhere.reshape(len(log), self.n_near + self.n_any)
        positive = np.repeat(log.item, self.n_near)
        drawn, found = _draw_near(rng, weight, items, np.repeat(last, self.n_near), positive, self.near_km)
        drawn, found = drawn.reshape(len(log), self.n_near), found.reshape(len(log), self.n_near)
        negative = np.concatenate(
            [np.where(found, drawn, anywhere[:, : self.n_near]), anywhere[:, self.n_near :]], axis=1
        )
        return negative, np.concatenate([found, np.zeros((len(log), self.n_any), dtype=bool)], axis=1)


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
