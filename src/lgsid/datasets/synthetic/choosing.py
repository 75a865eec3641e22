"""How places are drawn with the probabilities of the synthetic city's people.

In a small city, every place is weighed for every choice. In a large one, that takes time and memory that grow with the
square of its size; there, the same probabilities are drawn from by rejection, over cells of the map.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lgsid.datasets.synthetic.city_places import Places
from lgsid.datasets.synthetic.city_plan import CROSSING_KM, Array, CityPlan
from lgsid.datasets.synthetic.kinds import KINDS
from lgsid.datasets.synthetic.likings import DrawnLikings, HashedLikings, Likings
from lgsid.datasets.synthetic.people import CHUNK, FAVORITES, HABIT, HABIT_REACH_KM, Ints, People, chunks, sample

PLACE_BY_PLACE = 2_000
"""Places of a city in which every place is weighed for every choice."""
COMMUTE_KM, FROM_WORK = 3.0, 0.6
OFFICE = next(number for number, kind in enumerate(KINDS) if kind.category == "Office")
GRID, ROWS, TRIES, ROUNDS = 12, 2048, 8, 25


class Choosing(ABC):
    """Draw places for people.

    Args:
        city: The city.
        places: Its places.
    """

    def __init__(self, city: CityPlan, places: Places) -> None:
        self.city, self.places = city, places

    @abstractmethod
    def workplaces(self, home_m: Array, rng: np.random.Generator) -> Ints:
        """Draw an office for everybody, shape (U,)."""

    @abstractmethod
    def likings(self, n_users: int, rng: np.random.Generator) -> Likings:
        """Draw how much people like chains."""

    @abstractmethod
    def favorites(self, home_m: Array, work: Ints, liking: Likings, rng: np.random.Generator) -> Ints:
        """Draw favorite places of each kind near home and work, without replacement, shape (U, C, FAVORITES)."""

    @abstractmethod
    def choose(
        self, people: People, user: Ints, hour: Ints, weekend: Ints, last: Ints, rng: np.random.Generator
    ) -> Ints:
        """Draw a place with the probabilities of `People.probabilities`, shape (Q,)."""


class PlaceByPlace(Choosing):
    """Weigh every place for every choice."""

    def workplaces(self, home_m: Array, rng: np.random.Generator) -> Ints:
        """Draw an office for everybody, shape (U,)."""
        offices = self.places.kind == OFFICE
        parts = []
        for part in self._parts(len(home_m)):
            to_home = self.city.distance_km(home_m[part], self.places.xy_m)
            commute = offices * self.places.appeal * np.exp(-to_home / COMMUTE_KM)
            parts.append(sample(commute / commute.sum(axis=1, keepdims=True), rng))
        return np.concatenate(parts)

    def likings(self, n_users: int, rng: np.random.Generator) -> Likings:
        """Draw how much people like chains."""
        return DrawnLikings(n_users, int(self.places.chain.max()) + 1, rng)

    def favorites(self, home_m: Array, work: Ints, liking: Likings, rng: np.random.Generator) -> Ints:
        """Draw favorite places of each kind near home and work, without replacement, shape (U, C, FAVORITES)."""
        places, found = self.places, np.full((len(work), len(KINDS), FAVORITES), -1)
        for part in self._parts(len(work)):
            to_home = self.city.distance_km(home_m[part], places.xy_m)
            to_work = self.city.distance_km(places.xy_m[work[part]], places.xy_m)
            near = np.exp(-to_home / places.reach_km) + FROM_WORK * np.exp(-to_work / places.reach_km)
            affinity = liking.of(np.arange(len(work))[part, None], places.chain[None, :])
            weight = near * places.appeal * affinity
            keys = np.log(weight) + rng.gumbel(size=weight.shape)  # the largest keys are a weighted sample
            for kind in range(len(KINDS)):
                members = np.flatnonzero(places.kind == kind)
                order = members[np.argsort(-keys[:, members], axis=1)[:, :FAVORITES]]
                found[part, kind, : order.shape[1]] = order
        return with_work(found, work)

    def choose(
        self, people: People, user: Ints, hour: Ints, weekend: Ints, last: Ints, rng: np.random.Generator
    ) -> Ints:
        """Draw a place with the probabilities of `People.probabilities`, shape (Q,)."""
        parts = [
            sample(people.probabilities(user[part], hour[part], weekend[part], last[part]), rng)
            for part in self._parts(len(user))
        ]
        return np.concatenate(parts)

    def _parts(self, n: int) -> list[slice]:
        return chunks(n, CHUNK // len(self.places.kind))


class CellByCell(Choosing):
    """Draw a cell of the map, then a place in it, and keep it with the probability that makes up for the difference.

    The weight of a cell is an upper bound of those of its places: their appeal, times the largest liking of a chain,
    at the least distance to the cell. What is kept has exactly the probabilities of `People.probabilities`. What is
    refused for too long is drawn place by place.

    Args:
        city: The city.
        places: Its places.
        rng: Random numbers.
    """

    def __init__(self, city: CityPlan, places: Places, rng: np.random.Generator) -> None:
        super().__init__(city, places)
        self.liking = HashedLikings(rng)
        corner = places.xy_m.min(axis=0)
        square = ((places.xy_m - corner) / (np.ptp(places.xy_m, axis=0) / GRID)).astype(np.int64).clip(max=GRID - 1)
        bank = city.bank(places.xy_m)
        cells, cell = np.unique((square[:, 0] * GRID + square[:, 1]) * 2 + bank, return_inverse=True)
        by_cell, starts = np.argsort(cell, kind="stable"), np.searchsorted(np.sort(cell), np.arange(len(cells)))
        self.low_m = np.minimum.reduceat(places.xy_m[by_cell], starts)  # (G, 2)
        self.high_m = np.maximum.reduceat(places.xy_m[by_cell], starts)
        self.bank = cells % 2
        self.factor = np.where(places.chain >= 0, self.liking.most, 1.0)
        key = places.kind * len(cells) + cell
        self.rows = np.argsort(key, kind="stable")  # places by kind, then by cell
        self.sums = np.concatenate([[0.0], (places.appeal * self.factor)[self.rows].cumsum()])
        ends = np.searchsorted(key[self.rows], np.arange(len(KINDS) * len(cells) + 1)).astype(np.int64)
        self.first, self.end = (part.reshape(len(KINDS), -1) for part in (ends[:-1], ends[1:]))  # (C, G)
        self.mass = self.sums[self.end] - self.sums[self.first]

    def workplaces(self, home_m: Array, rng: np.random.Generator) -> Ints:
        """Draw an office for everybody, shape (U,)."""
        found = np.empty(len(home_m), dtype=np.int64)
        for part in chunks(len(home_m), ROWS):
            user = np.arange(len(home_m))[part]
            trips = self.trips(user, OFFICE, home_m[part, None], COMMUTE_KM)
            found[part] = trips.draw(rng)
        return found

    def likings(self, n_users: int, rng: np.random.Generator) -> Likings:
        """Return how much people like chains."""
        return self.liking

    def favorites(self, home_m: Array, work: Ints, liking: Likings, rng: np.random.Generator) -> Ints:
        """Draw favorite places of each kind near home and work, without replacement, shape (U, C, FAVORITES)."""
        found = np.full((len(work), len(KINDS), FAVORITES), -1)
        size = np.bincount(self.places.kind, minlength=len(KINDS))
        for part in chunks(len(work), ROWS):
            user = np.arange(len(work))[part]
            from_m = np.stack([home_m[part], self.places.xy_m[work[part]]], axis=1)
            least = self.least_km(from_m)
            for kind in set(range(len(KINDS))) - {OFFICE}:
                trips = self.trips(user, kind, from_m, KINDS[kind].reach_km, least)
                for rank in range(min(FAVORITES, size[kind])):
                    found[part, kind, rank] = trips.draw(rng, found[part, kind, :rank])
        return with_work(found, work)

    def choose(
        self, people: People, user: Ints, hour: Ints, weekend: Ints, last: Ints, rng: np.random.Generator
    ) -> Ints:
        """Draw a place with the probabilities of `People.probabilities`, shape (Q,)."""
        found = np.empty(len(user), dtype=np.int64)
        reach = np.array([kind.reach_km for kind in KINDS])
        for part in chunks(len(user), ROWS):
            who = user[part]
            kind = sample(people.kind_probabilities(who, hour[part], weekend[part]), rng)
            from_m = people.origins_m[people.origin(who, hour[part], weekend[part], last[part])]
            known = people.favorites[who, kind]  # (Q, FAVORITES)
            km = self.km(from_m[:, None], known)
            habit = (known >= 0) * HABIT * np.exp((km.min(axis=1, keepdims=True) - km) / HABIT_REACH_KM)
            chosen = known[np.arange(len(who)), sample(habit, rng)]
            new = np.flatnonzero((rng.random(len(who)) >= people.loyalty) | (known[:, 0] < 0))
            if len(new):
                trips = self.trips(who[new], kind[new], from_m[new, None], reach[kind[new]])
                chosen[new] = trips.draw(rng)
            found[part] = chosen
        return found

    def km(self, from_m: Array, place: Ints) -> Array:
        """Return walking distances from points (..., 2) to places (...); shapes broadcast."""
        to_m = self.places.xy_m[place]
        gap = from_m - to_m
        crossing = self._bank(from_m) != self._bank(to_m)
        return np.asarray(np.hypot(gap[..., 0], gap[..., 1]) / 1000 + CROSSING_KM * crossing)

    def least_km(self, from_m: Array) -> Array:
        """Return lower bounds of the distances from points (Q, O, 2) to the places of each cell, shape (Q, O, G)."""
        at = from_m[..., None, :]
        gap = np.maximum(np.maximum(self.low_m - at, at - self.high_m), 0.0)
        crossing = self._bank(from_m)[..., None] != self.bank
        return np.asarray(np.hypot(gap[..., 0], gap[..., 1]) / 1000 + CROSSING_KM * crossing)

    def trips(
        self, user: Ints, kind: Ints | int, from_m: Array, reach_km: Array | float, least_km: Array | None = None
    ) -> Trips:
        """Prepare draws of places of one kind each, see `Trips`."""
        kind = np.broadcast_to(np.asarray(kind), user.shape)
        reach = np.broadcast_to(np.asarray(reach_km, dtype=np.float64), user.shape)
        least = self.least_km(from_m) if least_km is None else least_km
        shares = np.array([1.0, FROM_WORK])[: from_m.shape[1], None]
        with np.errstate(divide="ignore"):
            log_weight = np.log(shares * self.mass[kind][:, None, :]) - least / reach[:, None, None]
        weight = np.exp(log_weight - log_weight.max(axis=(1, 2), keepdims=True)).reshape(len(user), -1)
        cumulative = weight.cumsum(axis=1)
        cumulative /= cumulative[:, -1:]
        return Trips(self, user, kind, from_m, reach, least, cumulative)

    def _bank(self, xy_m: Array) -> Ints:
        return self.city.bank(xy_m.reshape(-1, 2)).reshape(xy_m.shape[:-1])


@dataclass(frozen=True)
class Trips:
    """Q people who look for a place of a kind near one of O points, the second of which counts `FROM_WORK`.

    Args:
        map: Where they look.
        user: Shape (Q,).
        kind: Shape (Q,).
        from_m: The points, shape (Q, O, 2).
        reach_km: Scale of the distance decay, shape (Q,).
        least_km: Lower bounds of the distances to the cells, shape (Q, O, G).
        cumulative: Cumulative shares of the points and cells, shape (Q, O * G).
    """

    map: CellByCell
    user: Ints
    kind: Ints
    from_m: Array
    reach_km: Array
    least_km: Array
    cumulative: Array

    def draw(self, rng: np.random.Generator, excluded: Ints | None = None) -> Ints:
        """Draw a place in proportion to appeal * liking * exp(-distance / reach), summed over the points.

        Args:
            rng: Random numbers.
            excluded: Places that are not drawn, shape (Q, E).

        Returns:
            Rows of places, shape (Q,).
        """
        found = np.full(len(self.user), -1)
        excluded = np.empty((len(found), 0), np.int64) if excluded is None else excluded
        flat = (self.cumulative + np.arange(len(found))[:, None]).ravel()
        for _ in range(ROUNDS):
            rows = np.flatnonzero(found < 0)
            if not len(rows):
                return found
            place, kept = self._propose(rows, flat, rng)
            kept &= (place[:, :, None] != excluded[rows, None]).all(axis=2)
            first = kept.argmax(axis=1)
            found[rows] = np.where(kept.any(axis=1), place[np.arange(len(rows)), first], -1)
        for row in np.flatnonzero(found < 0).tolist():
            found[row] = self._among_all(row, excluded[row], rng)
        return found

    def _propose(self, rows: Ints, flat: Array, rng: np.random.Generator) -> tuple[Ints, npt.NDArray[np.bool_]]:
        """Return `TRIES` proposals for each row, and which are kept."""
        cells = self.map.mass.shape[1]
        shape = (len(rows), TRIES)
        at = np.searchsorted(flat, (rng.random(shape) + rows[:, None]).ravel(), side="right").reshape(shape)
        point, cell = np.divmod(
            (at - rows[:, None] * self.cumulative.shape[1]).clip(0, self.cumulative.shape[1] - 1), cells
        )
        kind = self.kind[rows, None]
        low, high = self.map.first[kind, cell], self.map.end[kind, cell]
        level = self.map.sums[low] + rng.random(shape) * (self.map.sums[high] - self.map.sums[low])
        place = self.map.rows[np.clip(np.searchsorted(self.map.sums, level, side="right") - 1, low, high - 1)]
        km = self.map.km(self.from_m[rows[:, None], point], place)
        near = np.exp((self.least_km[rows[:, None], point, cell] - km) / self.reach_km[rows, None])
        liked = self.map.liking.of(self.user[rows, None], self.map.places.chain[place]) / self.map.factor[place]
        return place, (rng.random(shape) < near * liked) & (high > low)

    def _among_all(self, row: int, excluded: Ints, rng: np.random.Generator) -> int:
        """Draw for one row by weighing every place of the kind."""
        places = self.map.places
        members = np.setdiff1d(np.flatnonzero(places.kind == self.kind[row]), excluded)
        km = self.map.km(self.from_m[row, :, None], members[None])  # (O, members)
        shares = np.log([1.0, FROM_WORK])[: len(km), None]
        liked = self.map.liking.of(self.user[[row]], places.chain[members])
        log_weight = np.logaddexp.reduce(shares - km / self.reach_km[row], axis=0)
        log_weight = log_weight + np.log(places.appeal[members] * liked)
        return int(members[np.argmax(log_weight + rng.gumbel(size=len(members)))])


def with_work(favorites: Ints, work: Ints) -> Ints:
    """Return favorites in which the only favorite office is the workplace."""
    favorites[:, OFFICE] = -1
    favorites[:, OFFICE, 0] = work
    return favorites
