"""A city that does not exist, whose true probabilities are known."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from lgsid.artefacts import Dataset
from lgsid.datasets.data_source import DataSource
from lgsid.datasets.note import Note
from lgsid.datasets.raw_data import RawData
from lgsid.datasets.synthetic.city_places import Places, found_places
from lgsid.datasets.synthetic.city_plan import CityMap, draw_map
from lgsid.datasets.synthetic.people import People, clock, live, settle
from lgsid.errors import LgsidError

START = pd.Timestamp("2024-01-01", tz="UTC")  # a Monday; the city lives by UTC
RECENT_S = 4 * 3600


class World(NamedTuple):
    """Everything there is in the city. Events are ordered by time."""

    city: CityMap
    places: Places
    people: People
    user: npt.NDArray[np.int64]  # (M,)
    second: npt.NDArray[np.int64]  # (M,) since START
    place: npt.NDArray[np.int64]  # (M,)


class SyntheticCity(DataSource):
    """An invented island city: districts, a river, chains, homes, workplaces, meal times, habits, short ways.

    Seeded and made in seconds. Because it is made by known probabilities, the best possible result of any
    recommender can be computed: `probabilities` gives p(place | person, time, last place), `oracle` does so for the
    rows of a dataset.

    Args:
        n_places: Places in the city, at least 40.
        n_users: People.
        n_checkins: Check-ins in all; everybody has at least three if there are enough.
        n_days: Days from the first to the last one.
        n_districts: Districts, the coarse regions.
        n_neighbourhoods: Neighbourhoods, the fine regions.
        chain_share: About what share of the places are branches of chains.
        loyalty: Probability of going to a favourite place.
        radius_km: About how far it is from the centre to the coast.
        seed: Of everything that is drawn.
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
        """The city, its places, its people, and what they did."""
        rng = np.random.default_rng(self.seed)
        city = draw_map(self.n_districts, self.n_neighbourhoods, 1000 * self.radius_km, rng)
        places = found_places(city, self.n_places, self.chain_share, rng)
        people = settle(city, places, self.n_users, self.loyalty, rng)
        events = live(people, self.n_checkins, self.n_days, RECENT_S, rng)
        return World(city, places, people, *events)

    def read(self) -> RawData:
        """Make the city and write down who went where."""
        world = self.world
        hour, _ = clock(world.second)
        interactions = pd.DataFrame(
            {
                "user_id": [f"u{u:04d}" for u in world.user],
                "item_id": world.places.frame["item_id"].to_numpy()[world.place],
                "time": (START + pd.to_timedelta(world.second, unit="s")).as_unit("us"),
                "hour": hour,
                "weekday": world.second // 86400 % 7,
            }
        )
        polygons = {"district": world.city.districts, "neighbourhood": world.city.neighbourhoods}
        what = f"seed {self.seed}"
        notes = (Note("made", "places", self.n_places, what), Note("made", "check-ins", len(interactions), what))
        items = world.places.frame.copy()
        return RawData(items, interactions, "synthetic city", "synthetic city", None, notes, polygons)

    def probabilities(
        self,
        user: npt.NDArray[np.int64],
        second: npt.NDArray[np.int64],
        last_place: npt.NDArray[np.int64],
        last_second: npt.NDArray[np.int64],
    ) -> npt.NDArray[np.float64]:
        """Return the true probability of every place for Q events, shape (Q, N).

        A last place counts for four hours; after that people start from home, or from work in office hours.

        Args:
            user: Shape (Q,), numbers of people.
            second: Shape (Q,), seconds since 2024-01-01.
            last_place: Shape (Q,), rows of places; -1 for none.
            last_second: Shape (Q,), when that was.
        """
        hour, weekend = clock(second)
        recent = (last_place >= 0) & (second - last_second <= RECENT_S)
        return self.world.people.probabilities(user, hour, weekend, np.where(recent, last_place, -1))

    def oracle(self, dataset: Dataset, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Return the true probabilities behind rows of a dataset made from this city, shape (Q, N).

        Columns follow the items of the dataset. Ranking by them is the best that any recommender can do.

        Args:
            dataset: Built from this source, without a k-core filter (which would hide last places).
            rows: Rows of its interactions, shape (Q,).

        Raises:
            LgsidError: if the dataset is of another city.
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
