"""A synthetic city with known choice probabilities."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from lgsid.artefacts import Dataset
from lgsid.datasets.data_source import DataSource
from lgsid.datasets.preparation_log import LogEntry
from lgsid.datasets.raw_data import RawData
from lgsid.datasets.synthetic.city_places import Places, create_places
from lgsid.datasets.synthetic.city_plan import CityPlan, create_plan
from lgsid.datasets.synthetic.life import choosing_in, clock, create_people, simulate_visits
from lgsid.datasets.synthetic.people import People
from lgsid.errors import LgsidError

START = pd.Timestamp("2024-01-01", tz="UTC")  # a Monday; local time is UTC
RECENT_S = 4 * 3600


class World(NamedTuple):
    """The city, its places, its people and their visits, ordered by time."""

    city: CityPlan
    places: Places
    people: People
    user: npt.NDArray[np.int64]  # (M,)
    second: npt.NDArray[np.int64]  # (M,) since START
    place: npt.NDArray[np.int64]  # (M,)


class SyntheticCity(DataSource):
    """A synthetic island city: districts, a river, chains, homes, workplaces, meal times, habits, distance decay.

    Generated from a seed within seconds; time and memory grow with the number of places and check-ins, not with the
    square (100,000 places and 2.5 million check-ins take under a minute and a gigabyte). Since the choice probabilities
    are known, the best possible result of any recommender can be computed: `probabilities` returns
    p(place | person, time, last place), `oracle` the same for the rows of a dataset.

    Args:
        n_places: Number of places, at least 40. Up to 2,000, every place is weighed for every choice; in larger cities
            the same probabilities are drawn from by rejection.
        n_users: Number of people.
        n_checkins: Number of check-ins; at least three per person if there are enough.
        n_days: Number of days.
        n_districts: Number of districts, the coarse regions.
        n_neighbourhoods: Number of neighborhoods, the fine regions.
        chain_share: Approximate fraction of the places that are branches of chains.
        loyalty: Probability of choosing a favorite place.
        radius_km: Approximate distance in kilometers from the center to the coast.
        seed: Random seed for the city, its people and their visits.
    """

    def __init__(
        self,
        n_places: int = 600,
        n_users: int = 300,
        n_checkins: int = 15_000,
        n_days: int = 180,
        n_districts: int = 7,
        n_neighbourhoods: int = 28,
        chain_share: float = 0.3,
        loyalty: float = 0.8,
        radius_km: float = 6.0,
        seed: int = 2026,
    ) -> None:
        if n_places < 40 or n_users < 1 or n_checkins < n_users or n_days < 1:
            raise LgsidError("SyntheticCity: needs n_places >= 40, n_users >= 1, n_checkins >= n_users, n_days >= 1")
        if not 2 <= n_districts <= n_neighbourhoods:
            raise LgsidError(f"SyntheticCity: n_districts {n_districts} must be 2..n_neighbourhoods")
        if not (0 <= chain_share <= 1 and 0 <= loyalty <= 1 and radius_km > 0):
            raise LgsidError("SyntheticCity: chain_share and loyalty are shares, radius_km is positive")
        self.n_places, self.n_users, self.n_checkins, self.n_days = n_places, n_users, n_checkins, n_days
        self.n_districts, self.n_neighbourhoods = n_districts, n_neighbourhoods
        self.chain_share, self.loyalty, self.radius_km, self.seed = chain_share, loyalty, radius_km, seed

    @cached_property
    def world(self) -> World:
        """The city, its places, its people and their visits."""
        rng = np.random.default_rng(self.seed)
        city = create_plan(self.n_districts, self.n_neighbourhoods, 1000 * self.radius_km, rng)
        places = create_places(city, self.n_places, self.chain_share, rng)
        choosing = choosing_in(city, places, rng)
        people = create_people(choosing, self.n_users, self.loyalty, rng)
        events = simulate_visits(people, choosing, self.n_checkins, self.n_days, RECENT_S, rng)
        return World(city, places, people, *events)

    def read(self) -> RawData:
        """Generate the city and return its places and visits."""
        world = self.world
        hour, _ = clock(world.second)
        interactions = pd.DataFrame(
            {
                "user_id": np.array([f"u{u:04d}" for u in range(self.n_users)], dtype=object)[world.user],
                "item_id": world.places.frame["item_id"].to_numpy()[world.place],
                "time": (START + pd.to_timedelta(world.second, unit="s")).as_unit("us"),
                "hour": hour,
                "weekday": world.second // 86400 % 7,
            }
        )
        polygons = {"district": world.city.districts, "neighbourhood": world.city.neighborhoods}
        what = f"seed {self.seed}"
        entries = (
            LogEntry("made", "places", self.n_places, what),
            LogEntry("made", "check-ins", len(interactions), what),
        )
        items = world.places.frame.copy()
        return RawData(items, interactions, "synthetic city", "synthetic city", None, entries, polygons)

    def probabilities(
        self,
        user: npt.NDArray[np.int64],
        second: npt.NDArray[np.int64],
        last_place: npt.NDArray[np.int64],
        last_second: npt.NDArray[np.int64],
    ) -> npt.NDArray[np.float64]:
        """Return the true probability of every place for Q events, shape (Q, N).

        A last place counts for four hours; after that, trips start at home, or at work during office hours.

        Args:
            user: Shape (Q,), indices of people.
            second: Shape (Q,), seconds since 2024-01-01.
            last_place: Shape (Q,), rows of places; -1 for none.
            last_second: Shape (Q,), time of the visit to it.
        """
        hour, weekend = clock(second)
        recent = (last_place >= 0) & (second - last_second <= RECENT_S)
        return self.world.people.probabilities(user, hour, weekend, np.where(recent, last_place, -1))

    def oracle(self, dataset: Dataset, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Return the true probabilities behind rows of a dataset made from this city, shape (Q, N).

        Columns are in the order of the items of the dataset. Ranking by them is optimal.

        Args:
            dataset: Built from this source, without a k-core filter (which would hide last places).
            rows: Rows of its interactions, shape (Q,).

        Raises:
            LgsidError: if the dataset was not made from this city.
        """
        columns = pd.Index(self.world.places.frame["item_id"]).get_indexer(pd.Index(dataset.items.ids))
        if (columns < 0).any() or dataset.report.get("source") != type(self).__name__:
            raise LgsidError("SyntheticCity: the dataset was not made from this city")
        frame = dataset.interactions.frame
        user = frame["user_id"].astype(str).str[1:].to_numpy(dtype=object).astype(np.int64)
        second = np.asarray((frame["time"] - START) // pd.Timedelta(seconds=1), dtype=np.int64)
        place = columns[dataset.item_rows]
        grouped = pd.DataFrame({"user": user, "second": second, "place": place}).groupby("user")
        last_second = grouped["second"].shift(fill_value=0).to_numpy(np.int64)
        last_place = grouped["place"].shift(fill_value=-1).to_numpy(np.int64)
        full = self.probabilities(user[rows], second[rows], last_place[rows], last_second[rows])
        return np.asarray(full[:, columns])
