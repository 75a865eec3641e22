"""Places from which the negatives of a check-in are drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.artefacts.items import Items
from lgsid.datamodules.negatives.negative_sampler import BoolArray, IntArray
from lgsid.datamodules.negatives.past_places import PastPlaces
from lgsid.datamodules.negatives.place_curves import PlaceCurves
from lgsid.functional.distances import chord_to_m, unit_vectors

Floats = npt.NDArray[np.float64]
Values = tuple[npt.NDArray[np.generic], ...]

OTHER_SIDE = 1e3  # what puts a place last that the user has been to where the positive is new, or the other way round


@dataclass(frozen=True)
class Pool:
    """Candidates for negatives of B queries.

    Args:
        place: Shape (B, T), item rows.
        key: Shape (B, T), what a candidate starts with: 0, or less where it should come last, minus infinity where it
            may not be drawn.
        value: Shape (B, T) each: check-ins and visitors as the query knows them, and km from the user's last place,
            NaN where there is none.
    """

    place: IntArray
    key: Floats
    value: Values


class City:
    """A log and its places, as pools of candidates for negatives.

    Args:
        log: M check-ins.
        items: N places.
        proposals: Candidates T of a query.
    """

    def __init__(self, log: CheckInLog, items: Items, proposals: int) -> None:
        self._log, self._n = log, len(items)
        self._past = PastPlaces(log, len(items))
        self._curves = PlaceCurves(items)
        self._points = unit_vectors(items.lat_deg, items.lon_deg)
        self._ends = np.cumsum(log.item_counts(len(items), "train") + 1)
        self._proposals = proposals
        before = log.by_user[(log.place_in_user_order - 1).clip(min=0)]
        self._last = np.where(log.n_before > 0, log.item[before], -1)

    def values(self, rows: IntArray, place: IntArray | None = None) -> Values:
        """Return what negatives are matched in, of places (B, T), the positive if none are given, of log rows (B,).

        Returns:
            Training check-ins and visitors as the query knows them, and km from the last place; each (B, T).
        """
        place = self._log.item[rows][:, None] if place is None else place
        last = self._last[rows][:, None]
        km = chord_to_m(np.linalg.norm(self._points[place] - self._points[last], axis=-1)) / 1e3
        known = self._past.popularity(rows, place), self._past.visitors(rows, place)
        return (*known, np.where(last >= 0, km, np.nan))

    def pool(self, rows: IntArray, rng: np.random.Generator) -> Pool:
        """Propose candidates for the negatives of log rows (B,), different places of each first."""
        place = self._everywhere(rows, rng)
        if not self._log.is_new[rows].all():
            place = np.concatenate([self._of_past(rows, rng), place], axis=1)
        same_side = self._past.visited(rows, place) != self._log.is_new[rows][:, None]
        key = np.where(same_side, 0.0, -OTHER_SIDE)
        key[_repeated(place) | (place == self._log.item[rows][:, None])] = -np.inf
        alone = ~(key > -np.inf).any(axis=1)  # nothing but the positive was proposed
        place[alone, 0], key[alone, 0] = (self._log.item[rows[alone]] + 1) % self._n, -OTHER_SIDE
        return Pool(place, key, self.values(rows, place))

    def _everywhere(self, rows: IntArray, rng: np.random.Generator) -> IntArray:
        """Propose places of the city: evenly, by training check-ins, and around the last place. Shape (B, T)."""
        if self._n <= self._proposals:
            return np.tile(np.arange(self._proposals) % self._n, (len(rows), 1))
        third = self._proposals // 3
        even = rng.integers(self._n, size=(len(rows), self._proposals - 2 * third))
        popular = np.searchsorted(self._ends, rng.integers(self._ends[-1], size=(len(rows), third)), side="right")
        around = self._curves.propose(np.where(self._last[rows] >= 0, self._last[rows], even[:, 0]), third, rng)
        return np.concatenate([even, popular, around], axis=1)

    def _of_past(self, rows: IntArray, rng: np.random.Generator) -> IntArray:
        """Propose places of each user's past, all if they are few, else at random. Shape (B, T)."""
        known = self._past.n_distinct[rows][:, None]
        width = min(self._proposals, int(known.max()))
        number = np.where(known <= width, np.arange(width) % known, rng.integers(known, size=(len(rows), width)))
        return self._past.at(rows, number)


def _repeated(place: IntArray) -> BoolArray:
    """Mark what occurs in a row (B, T) before, shape (B, T)."""
    order = np.argsort(place, axis=1, kind="stable")
    ordered = np.take_along_axis(place, order, axis=1)
    again = np.zeros(place.shape, dtype=bool)
    np.put_along_axis(again[:, :], order[:, 1:], ordered[:, 1:] == ordered[:, :-1], axis=1)
    return again
