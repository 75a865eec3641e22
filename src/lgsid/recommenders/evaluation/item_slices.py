"""Slices of queries by the check-ins and the surroundings of the target (docs/evaluation.md)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.artefacts.items import Items
from lgsid.functional.distances import EARTH_RADIUS_M, unit_vectors

HEAD_SHARE = 0.2  # head items: the fifth of the catalogue with most training check-ins
DENSE_RADIUS_M = 1_000.0  # dense areas: more neighbors within this than the median item has


def item_slices(items: Items, log: CheckInLog) -> dict[tuple[str, str], npt.NDArray[np.bool_]]:
    """Split the items by popularity, by whether they are known before the test, and by density.

    Args:
        items: The items.
        log: Their check-ins.

    Returns:
        Names of the items inside and outside -> mask (N,): head and tail, cold and warm, dense and sparse.
    """
    order = np.argsort(-log.item_counts(len(items), "train"), kind="stable")
    head = np.zeros(len(items), dtype=bool)
    head[order[: max(1, round(HEAD_SHARE * len(items)))]] = True
    around = places_within(items.lat_deg, items.lon_deg, DENSE_RADIUS_M)
    cold = log.is_cold(len(items))
    return {("head", "tail"): head, ("cold", "warm"): cold, ("dense", "sparse"): around > np.median(around)}


def places_within(
    lat_deg: npt.NDArray[np.float64], lon_deg: npt.NDArray[np.float64], radius_m: float
) -> npt.NDArray[np.int64]:
    """Count the other places within a radius of each place, exactly, shape (N,)."""
    points = unit_vectors(lat_deg, lon_deg)
    chord = 2 * np.sin(min(radius_m / (2 * EARTH_RADIUS_M), np.pi / 2))
    return np.asarray(cKDTree(points).query_ball_point(points, chord, return_length=True), dtype=np.int64) - 1
