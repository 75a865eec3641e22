"""The people of the synthetic city, and their choice probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from lgsid.datasets.synthetic.city_places import Places
from lgsid.datasets.synthetic.city_plan import Array, CityPlan
from lgsid.datasets.synthetic.kinds import KINDS
from lgsid.datasets.synthetic.likings import Likings

Ints = npt.NDArray[np.int64]
HABIT_REACH_KM = 3.0
FAVORITES = 3  # of each kind
HABIT = np.array([0.35**rank for rank in range(FAVORITES)])
"""Weights of a person's favorites of one kind."""
CHUNK = 2**22
"""Probabilities that are computed at a time."""


@dataclass(frozen=True)
class People:
    """The U people and the parameters of their choices, which are fixed before the simulation.

    Args:
        home_m: Home, shape (U, 2), meters east and north of the center.
        work: Workplace, rows of places, shape (U,).
        taste: Preference for each kind of place, shape (U, C).
        liking: Preference for each chain.
        favorites: Favorite places of each kind, the most visited first, -1 for none, shape (U, C, FAVORITES); of
            offices the workplace.
        loyalty: Probability of choosing a favorite of a kind that has one.
        profile: Popularity of the kinds by type of day and hour, shape (2, 24, C).
        city: Where they live.
        places: The places.
    """

    home_m: Array
    work: Ints
    taste: Array
    liking: Likings
    favorites: Ints
    loyalty: float
    profile: Array
    city: CityPlan
    places: Places

    @cached_property
    def origins_m(self) -> Array:
        """Where trips can start: at the places, then at the homes, in meters, shape (N + U, 2)."""
        return np.concatenate([self.places.xy_m, self.home_m])

    @cached_property
    def _known_km(self) -> Array | None:
        """Distances from all origins to all places, (N + U, N), in a city where these are few."""
        few = len(self.origins_m) * len(self.places.xy_m) <= CHUNK
        return self.city.distance_km(self.origins_m, self.places.xy_m) if few else None

    def distance_km(self, origin: Ints) -> Array:
        """Return walking distances from origins (Q,), rows of `origins_m`, to all places, (Q, N)."""
        if self._known_km is not None:
            return self._known_km[origin]
        return self.city.distance_km(self.origins_m[origin], self.places.xy_m)

    def origin(self, user: Ints, hour: Ints, weekend: Ints, last: Ints) -> Ints:
        """Return the origin of each trip, rows of `origins_m`: the last recent place, else work or home.

        Args:
            user: Shape (Q,).
            hour: Shape (Q,), local.
            weekend: Shape (Q,), 0 or 1.
            last: Shape (Q,), rows of places; -1 without a recent place.
        """
        at_work = (weekend == 0) & (hour >= 9) & (hour < 17)
        idle = np.where(at_work, self.work[user], len(self.places.kind) + user)
        return np.where(last >= 0, last, idle)

    def kind_probabilities(self, user: Ints, hour: Ints, weekend: Ints) -> Array:
        """Return the probability of each kind of place, shape (Q, C)."""
        weight = self.profile[weekend, hour] * self.taste[user]
        return np.asarray(weight / weight.sum(axis=1, keepdims=True))

    def probabilities(self, user: Ints, hour: Ints, weekend: Ints, last: Ints) -> Array:
        """Return the true probability of every place, shape (Q, N); rows sum to 1.

        p(place) = p(kind | person, hour, day) * [ loyalty * p(place | favorites of that kind, distance)
                                                 + (1 - loyalty) * p(place | kind, appeal, chain, distance) ].
        """
        found = np.empty((len(user), len(self.places.kind)))
        for part in chunks(len(user), CHUNK // len(self.places.kind)):
            found[part] = self._probabilities(user[part], hour[part], weekend[part], last[part])
        return found

    def _probabilities(self, user: Ints, hour: Ints, weekend: Ints, last: Ints) -> Array:
        kind = self.places.kind
        onehot = np.eye(len(KINDS))[kind]  # (N, C)
        km = self.distance_km(self.origin(user, hour, weekend, last))  # (Q, N)
        affinity = self.liking.of(user[:, None], self.places.chain[None])
        gravity = self.places.appeal * affinity * np.exp(-km / self.places.reach_km)
        explore = gravity / (gravity @ onehot)[:, kind]
        favorite = self._habit(user) * np.exp(-km / HABIT_REACH_KM)
        total = favorite @ onehot  # (Q, C)
        has = (total > 0)[:, kind]
        return_to = np.divide(favorite, total[:, kind], out=np.zeros_like(favorite), where=has)
        chosen = np.where(has, self.loyalty * return_to + (1 - self.loyalty) * explore, explore)
        return np.asarray(self.kind_probabilities(user, hour, weekend)[:, kind] * chosen)

    def _habit(self, user: Ints) -> Array:
        """Return the weights of favorites, 0 for other places, shape (Q, N)."""
        habit = np.zeros((len(user), len(self.places.kind) + 1))  # -1, no favorite, is the last column
        habit[np.arange(len(user))[:, None, None], self.favorites[user]] = HABIT
        return habit[:, :-1]


def sample(probabilities: Array, rng: np.random.Generator) -> Ints:
    """Sample one column from each row, shape (Q,)."""
    cumulative = probabilities.cumsum(axis=1)
    threshold = rng.random((len(probabilities), 1)) * cumulative[:, -1:]
    return np.asarray((cumulative <= threshold).sum(axis=1).clip(max=probabilities.shape[1] - 1), dtype=np.int64)


def chunks(n: int, size: int) -> list[slice]:
    """Cut `n` rows into parts of at most `size` rows, at least one."""
    size = max(size, 1)
    return [slice(start, start + size) for start in range(0, n, size)]
