"""What happens in the synthetic city: who lives there, and where they go."""

from __future__ import annotations

import numpy as np

from lgsid.datasets.synthetic.choosing import PLACE_BY_PLACE, CellByCell, Choosing, PlaceByPlace
from lgsid.datasets.synthetic.city_places import Places, scatter
from lgsid.datasets.synthetic.city_plan import CityPlan
from lgsid.datasets.synthetic.kinds import KINDS, profiles
from lgsid.datasets.synthetic.people import Ints, People, chunks, sample

TIMES = 2**16


def choosing_in(city: CityPlan, places: Places, rng: np.random.Generator) -> Choosing:
    """Return how places are drawn in a city of this size."""
    small = len(places.kind) <= PLACE_BY_PLACE
    return PlaceByPlace(city, places) if small else CellByCell(city, places, rng)


def create_people(choosing: Choosing, n: int, loyalty: float, rng: np.random.Generator) -> People:
    """Generate people: homes, workplaces, tastes and favorites."""
    homes = scatter(choosing.city, n, rng)
    work = choosing.workplaces(homes, rng)
    taste = rng.gamma(0.6, 1 / 0.6, (n, len(KINDS))) + 0.02
    liking = choosing.likings(n, rng)
    favorites = choosing.favorites(homes, work, liking, rng)
    return People(homes, work, taste, liking, favorites, loyalty, profiles(), choosing.city, choosing.places)


def simulate_visits(
    people: People, choosing: Choosing, n_events: int, n_days: int, recent_s: int, rng: np.random.Generator
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
        place[at] = choosing.choose(people, user[at], hour, weekend, last, rng)
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
    by_hour = by_hour / by_hour.sum(axis=1, keepdims=True)
    hour = np.concatenate([sample(by_hour[weekend[part]], rng) for part in chunks(n, TIMES)])
    return np.asarray(day * 86400 + hour * 3600 + rng.integers(0, 3600, n), dtype=np.int64)
