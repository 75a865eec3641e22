"""The people of the synthetic city, and their choice probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lgsid.datasets.synthetic.city_places import Places, scatter
from lgsid.datasets.synthetic.city_plan import Array, CityPlan
from lgsid.datasets.synthetic.kinds import KINDS, profiles

Ints = npt.NDArray[np.int64]
HABIT_REACH_KM = 3.0
FAVORITES = 3  # of each kind


@dataclass(frozen=True)
class People:
    """The U people and the parameters of their choices, which are fixed before the simulation.

    Args:
        home_m: Home, shape (U, 2), meters east and north of the center.
        work: Workplace, rows of places, shape (U,).
        taste: Preference for each kind of place, shape (U, C).
        affinity: Preference for each place by its chain, shape (U, N).
        habit: Weight of favorites, 0 for other places, shape (U, N).
        loyalty: Probability of choosing a favorite of a kind that has one.
        distance_km: Walking distance from places, then from homes, to places, shape (N + U, N).
        reach_km: Scale of the distance decay of each place's kind, shape (N,).
        profile: Popularity of the kinds by type of day and hour, shape (2, 24, C).
        places: The places.
    """

    home_m: Array
    work: Ints
    taste: Array
    affinity: Array
    habit: Array
    loyalty: float
    distance_km: Array
    reach_km: Array
    profile: Array
    places: Places

    def origin(self, user: Ints, hour: Ints, weekend: Ints, last: Ints) -> Ints:
        """Return the origin of each trip, rows of `distance_km`: the last recent place, else work or home.

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
        kind = self.places.kind
        onehot = np.eye(len(KINDS))[kind]  # (N, C)
        km = self.distance_km[self.origin(user, hour, weekend, last)]  # (Q, N)
        gravity = self.places.appeal * self.affinity[user] * np.exp(-km / self.reach_km)
        explore = gravity / (gravity @ onehot)[:, kind]
        favorite = self.habit[user] * np.exp(-km / HABIT_REACH_KM)
        total = favorite @ onehot  # (Q, C)
        has = (total > 0)[:, kind]
        return_to = np.divide(favorite, total[:, kind], out=np.zeros_like(favorite), where=has)
        chosen = np.where(has, self.loyalty * return_to + (1 - self.loyalty) * explore, explore)
        return np.asarray(self.kind_probabilities(user, hour, weekend)[:, kind] * chosen)


def create_people(city: CityPlan, places: Places, n: int, loyalty: float, rng: np.random.Generator) -> People:
    """Generate people: homes, workplaces, tastes and favorites."""
    n_places = len(places.kind)
    homes = scatter(city, n, rng)
    to_home = city.distance_km(homes, places.xy_m)  # (U, N)
    offices = np.array([k.category == "Office" for k in KINDS])[places.kind]
    commute = offices * places.appeal * np.exp(-to_home / 3.0)
    work = _sample(commute / commute.sum(axis=1, keepdims=True), rng)
    taste = rng.gamma(0.6, 1 / 0.6, (n, len(KINDS))) + 0.02
    liking = np.concatenate([rng.gamma(1.2, 1 / 1.2, (n, places.chain.max() + 1)) + 0.05, np.ones((n, 1))], axis=1)
    affinity = liking[:, places.chain]  # -1, no chain, takes the last column
    between = city.distance_km(places.xy_m, places.xy_m)
    reach = np.array([k.reach_km for k in KINDS])[places.kind]
    near = np.exp(-to_home / reach) + 0.6 * np.exp(-between[work] / reach)
    habit = _favorites(places, near * places.appeal * affinity, rng)
    habit = np.where(offices, 0.0, habit)
    habit[np.arange(n), work] = 1.0
    distance_km = np.concatenate([between, to_home])
    assert distance_km.shape == (n_places + n, n_places)
    return People(homes, work, taste, affinity, habit, loyalty, distance_km, reach, profiles(), places)


def _favorites(places: Places, weight: Array, rng: np.random.Generator) -> Array:
    """Sample up to three favorites of each kind per person, with decreasing weights. Shape (U, N)."""
    keys = np.log(weight) + rng.gumbel(size=weight.shape)  # the largest keys are a weighted sample without replacement
    habit = np.zeros_like(weight)
    rows = np.arange(len(weight))
    for k in range(len(KINDS)):
        members = np.flatnonzero(places.kind == k)
        order = members[np.argsort(-keys[:, members], axis=1)]
        for rank in range(min(FAVORITES, len(members))):
            habit[rows, order[:, rank]] = 0.35**rank
    return habit


def _sample(probabilities: Array, rng: np.random.Generator) -> Ints:
    """Sample one column from each row, shape (Q,)."""
    cumulative = probabilities.cumsum(axis=1)
    threshold = rng.random((len(probabilities), 1)) * cumulative[:, -1:]
    return np.asarray((cumulative <= threshold).sum(axis=1).clip(max=probabilities.shape[1] - 1), dtype=np.int64)


def simulate_visits(
    people: People, n_events: int, n_days: int, recent_s: int, rng: np.random.Generator
) -> tuple[Ints, Ints, Ints]:
    """Simulate the visits of everybody.

    Returns:
        Person, second since the first midnight, and place of each event, int64, each of shape (M,), ordered by time.
    """
    n = len(people.home_m)
    activity = rng.lognormal(0.0, 0.8, n) + 0.25
    extra = rng.multinomial(max(n_events - 3 * n, 0), activity / activity.sum())
    counts = extra + n_events // n if n_events < 3 * n else extra + 3
    user = np.repeat(np.arange(n), counts)
    second = _times(people, len(user), n_days, rng)
    order = np.lexsort([second, user])
    user, second = user[order], second[order]
    place = np.full(len(user), -1, dtype=np.int64)
    first = np.concatenate([[0], np.cumsum(counts)[:-1]])
    for step in range(int(counts.max())):  # the next event of everybody who has one
        at = (first + step)[counts > step]
        last = np.full(len(at), -1, dtype=np.int64)
        if step:
            last = np.where(second[at] - second[at - 1] <= recent_s, place[at - 1], -1)
        hour, weekend = clock(second[at])
        place[at] = _sample(people.probabilities(user[at], hour, weekend, last), rng)
    order = np.argsort(second, kind="stable")
    return user[order].astype(np.int64), second[order], place[order]


def clock(second: Ints) -> tuple[Ints, Ints]:
    """Return the hour and the weekend flag (0 or 1) of seconds since midnight of a Monday."""
    return second // 3600 % 24, (second // 86400 % 7 >= 5).astype(np.int64)


def _times(people: People, n: int, n_days: int, rng: np.random.Generator) -> Ints:
    """Sample the times of events: uniform over days, hours by the popularity of all kinds together."""
    day = rng.integers(0, n_days, n)
    weekend = (day % 7 >= 5).astype(int)
    by_hour = people.profile.sum(axis=2)
    hour = _sample((by_hour / by_hour.sum(axis=1, keepdims=True))[weekend], rng)
    return np.asarray(day * 86400 + hour * 3600 + rng.integers(0, 3600, n), dtype=np.int64)
