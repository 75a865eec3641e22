"""What is asked of a live recommender, and the same with everything looked up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from lgsid.recommenders.live_query import Moment, VisitHistory
from lgsid.recommenders.place_filters import PlaceFilter

Visited = str | tuple[str, str | datetime]


@dataclass(frozen=True)
class PlaceQuery:
    """One question for places.

    Args:
        user: User id; the history is what the dataset has of this user before `at`.
        history: Item ids instead, oldest first, taken as visited an hour apart, the last one an hour before `at`; or
            all of them with the local time of the visit.
        at: Local time of the query, with or without an offset from UTC; the end of the log by default.
        near: Latitude and longitude in degrees of where the user is, the last place of the history by default.
            Distances count from there, and the model takes it for a visit to the place nearest to it.
        radius_km: Recommend places within this distance only.
        k: How many places.
        new_only: Leave out the places of the history, and where the user is.
        filters: What else a place must pass. Where fewer than `k` pass everything, exactly those come back.
    """

    user: str | None = None
    history: Sequence[Visited] | None = None
    at: str | datetime | None = None
    near: tuple[float, float] | None = None
    radius_km: float | None = None
    k: int = 10
    new_only: bool = False
    filters: Sequence[PlaceFilter] = ()


@dataclass(frozen=True)
class PreparedQuery:
    """A question with its history, its distances and the places that may answer it.

    Args:
        query: As it was asked.
        visits: Where the user has been.
        told: What the model is told of that: in the end they are at the place nearest to where the query says they are.
        moment: When it is asked.
        km: Shape (N,), distance of each item from the user in km, NaN where the user's place is unknown.
        allowed: Shape (N,), the items that may be recommended.
    """

    query: PlaceQuery
    visits: VisitHistory
    told: VisitHistory
    moment: Moment
    km: npt.NDArray[np.float64]
    allowed: npt.NDArray[np.bool_]
