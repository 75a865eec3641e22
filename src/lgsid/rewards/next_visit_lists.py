"""Lists that ask who goes where next."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch

from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.errors import LgsidError
from lgsid.functional.distances import haversine_m
from lgsid.geo.neighbors import nearest_places
from lgsid.rewards.list_source import ListPlaces, ListSampler, ListSource
from lgsid.rewards.prompt_book import Rows
from lgsid.typing import RewardBatch

RANKED_VISITS, CHUNK = 2_048, 256
"""Number of next visits of which the neighbor rank is measured, and how many of them at once."""
PROPOSALS = 4
"""Proposals for each candidate, of which the first that fit are taken."""


class NextVisitLists(ListSource):
    """Where users went next from the anchor, for the first time, among places where none of them went next.

    The label of a candidate is the number of such visits in the training split, 0 for the others. The others are drawn
    near the anchor, at the neighbor ranks of the next visits themselves, and by the number of visits that arrive at
    them, so that neither distance nor popularity alone tells the two apart. Our addition: it asks for what coordinates
    do not say.

    Args:
        n_relevant: Largest number of next places in a list, drawn by the number of visits.
        popular_share: Expected share of the other candidates that is drawn by popularity instead of near the anchor.
        n_neighbours: Largest neighbor rank that is drawn as such; beyond it, any place is as good as another.
    """

    kind: ClassVar[str] = "next_visit"

    def __init__(self, n_relevant: int = 3, popular_share: float = 0.5, n_neighbours: int = 300) -> None:
        self.n_relevant, self.popular_share, self.n_neighbours = n_relevant, popular_share, n_neighbours
        if n_relevant < 1 or n_neighbours < 1 or not 0 <= popular_share <= 1:
            raise LgsidError(
                "NextVisitLists: n_relevant and n_neighbours must be at least 1 and popular_share from 0 to 1, "
                f"not {n_relevant}, {n_neighbours} and {popular_share}"
            )

    def sampler(self, places: ListPlaces, rng: np.random.Generator) -> ListSampler:
        """Count the next visits among the places."""
        if self.n_relevant >= places.n_candidates:
            raise LgsidError(
                f"NextVisitLists: n_relevant {self.n_relevant} must be below n_candidates {places.n_candidates}"
            )
        return NextVisitSampler(places, self, rng)


class NextVisitSampler(ListSampler):
    """Lists of next places among others, see `NextVisitLists`. Places are counted by position in `places.rows`.

    Attributes:
        pairs: Codes `from * M + to` of the pairs of places with next visits, in ascending order, shape (P,).
        counts: Number of next visits of each pair, shape (P,).

    Args:
        places: The places that lists may hold.
        source: How many candidates of which kind.
        rng: Random generator.
    """

    def __init__(self, places: ListPlaces, source: NextVisitLists, rng: np.random.Generator) -> None:
        self.places, self.n = places, len(places.rows)
        self.n_relevant, self.popular_share = min(source.n_relevant, places.length - 1), source.popular_share
        first, second = map(places.positions, CheckInLog.of(places.dataset).next_new_places("train"))
        inside = (first >= 0) & (second >= 0)
        self.arrivals = second[inside]
        self.pairs, self.counts = np.unique(first[inside] * self.n + self.arrivals, return_counts=True)
        origin, self._to = np.divmod(self.pairs, self.n)
        anchors, self._start, self._size = np.unique(origin, return_index=True, return_counts=True)
        enough = self.n - 1 - self._size >= places.length - 1  # others, for a list with one next place
        self._start, self._size, self.anchors = self._start[enough], self._size[enough], places.rows[anchors[enough]]
        items = places.dataset.items
        lat, lon = items.lat_deg[places.rows], items.lon_deg[places.rows]
        self._neighbours, _ = nearest_places(lat, lon, source.n_neighbours)
        self._ranks = self._ranks_of_visits(lat, lon, origin, rng)

    def visits(self, anchor: Rows, place: Rows) -> Rows:
        """Return how often users went on from one place to another, new to them; positions, shapes broadcast."""
        code = anchor * self.n + place
        found = np.searchsorted(self.pairs, code).clip(max=len(self.pairs) - 1)
        return np.where(self.pairs[found] == code, self.counts[found], 0)

    def draw(self, anchor: Rows, rng: np.random.Generator) -> RewardBatch:
        """Draw a list for each anchor."""
        length, start = self.places.length, self.places.positions(anchor)[:, None]  # (B, 1)
        relevant = self._relevant(np.searchsorted(self.anchors, anchor), rng)
        proposed = np.concatenate([relevant, self._others(start, PROPOSALS * length, rng)], axis=1)
        chosen = self._first(start, proposed, length)
        while len(short := np.flatnonzero((chosen < 0).any(axis=1))):  # too many of them fell on next places
            more = rng.integers(self.n, size=(len(short), proposed.shape[1]))
            chosen[short] = self._first(start[short], np.concatenate([chosen[short], more], axis=1), length)
        place = self.places.rows[np.concatenate([start, chosen], axis=1)]
        label = torch.from_numpy(self.visits(start, chosen)).float()
        return self.places.batch(place, self.places.book.full[place], label, self.places.distance_km(place))

    def _relevant(self, row: Rows, rng: np.random.Generator) -> Rows:
        """Draw next places without replacement by their counts: rows of `anchors` (B,) -> (B, R), -1 is padding."""
        column = np.arange(max(int(self._size[row].max(initial=0)), self.n_relevant))
        at = (self._start[row, None] + column).clip(max=len(self._to) - 1)
        keys = np.log(self.counts[at]) + rng.gumbel(size=at.shape)  # the largest keys are a draw by weight
        keys = np.where(column < self._size[row, None], keys, -np.inf)
        best = np.argsort(-keys, axis=1)[:, : self.n_relevant]
        is_there = np.take_along_axis(keys, best, axis=1) > -np.inf
        return np.where(is_there, self._to[np.take_along_axis(at, best, axis=1)], -1)

    def _others(self, start: Rows, n: int, rng: np.random.Generator) -> Rows:
        """Propose places near and popular ones: positions (B, 1) -> (B, n); they may be next places, and repeat."""
        shape = (len(start), n)
        rank, width = rng.choice(self._ranks, size=shape), self._neighbours.shape[1]
        near = self._neighbours[start, rank.clip(max=width) - 1]
        near = np.where(rank <= width, near, rng.integers(self.n, size=shape))
        return np.where(rng.random(shape) < self.popular_share, rng.choice(self.arrivals, size=shape), near)

    def _first(self, start: Rows, proposed: Rows, length: int) -> Rows:
        """Return the first distinct places that are next places among the first columns or none at all.

        Args:
            start: Positions of the anchors, shape (B, 1).
            proposed: The next places in the first `n_relevant` columns, proposals behind them, -1 is padding; (B, T).
            length: Number of places to return.

        Returns:
            Shape (B, length), -1 where there are not enough.
        """
        is_next = self.visits(start, proposed) > 0
        is_next[:, : self.n_relevant] = False
        order = np.argsort(proposed, axis=1, kind="stable")  # of equal places, the first stays first
        sorted_places = np.take_along_axis(proposed, order, axis=1)
        repeats = np.zeros(proposed.shape, dtype=bool)
        np.put_along_axis(repeats, order[:, 1:], sorted_places[:, 1:] == sorted_places[:, :-1], axis=1)
        fits = (proposed >= 0) & (proposed != start) & ~is_next & ~repeats
        front = np.argsort(~fits, axis=1, kind="stable")[:, :length]
        return np.where(np.take_along_axis(fits, front, axis=1), np.take_along_axis(proposed, front, axis=1), -1)

    def _ranks_of_visits(self, lat: np.ndarray, lon: np.ndarray, origin: Rows, rng: np.random.Generator) -> Rows:
        """Return the neighbor ranks of next visits, from 1; of a sample if there are many."""
        sample = np.sort(rng.permutation(len(self.arrivals))[:RANKED_VISITS])
        pair = np.repeat(np.arange(len(self.pairs)), self.counts)[sample]
        y, x = torch.from_numpy(lat), torch.from_numpy(lon)
        found = []
        for start, to in zip(
            *(np.array_split(a[pair], -(-len(pair) // CHUNK) or 1) for a in (origin, self._to)), strict=True
        ):
            distance = haversine_m(y[start, None], x[start, None], y, x)  # (chunk, M)
            own = distance.gather(1, torch.from_numpy(to)[:, None])
            found.append((distance < own).sum(dim=1).numpy())
        return np.concatenate(found).clip(min=1)  # the anchor itself is counted: nothing is nearer
