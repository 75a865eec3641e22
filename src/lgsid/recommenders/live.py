"""Recommend places to one user, now: loaded once, asked often."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from lgsid import checkpoints
from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.artefacts.dataset import Dataset
from lgsid.errors import LgsidError
from lgsid.functional.distances import haversine_m
from lgsid.recommenders.live_query import Moment, VisitHistory
from lgsid.recommenders.place_filters import PlaceFilter
from lgsid.recommenders.recommendations import Recommendation, Recommendations
from lgsid.recommenders.recommender import Ranked, Recommender
from lgsid.recommenders.two_stage import TwoStage

NEAR_KM = 0.5  # a walk of some minutes


def recommend(
    model: Recommender | str | Path,
    dataset: Dataset | str | Path,
    user: str | None = None,
    history: Sequence[str] | None = None,
    at: str | datetime | None = None,
    near: tuple[float, float] | None = None,
    radius_km: float | None = None,
    k: int = 10,
    new_only: bool = False,
    filters: Sequence[PlaceFilter] = (),
    rank_with: Recommender | str | Path | None = None,
) -> Recommendations:
    """Recommend places once; `LiveRecommender` answers many queries without loading anything again.

    Args:
        model: A trained recommender, its checkpoint, or the run folder with its `model.ckpt`.
        dataset: The dataset it was trained on, or its folder.
        user: User id; the history is what the dataset has of this user before `at`.
        history: Item ids instead, oldest first; taken as visited an hour apart, the last one an hour before `at`.
        at: Local time of the query, with or without an offset from UTC; the end of the log by default.
        near: Where the user is, latitude and longitude in degrees; the last place of the history by default. Distances
            and the radius count from there.
        radius_km: Recommend places within this distance only.
        k: How many places.
        new_only: Leave out the places of the history.
        filters: What else a place must pass. Where fewer than `k` pass everything, exactly those come back.
        rank_with: A trained model that orders the places which `model` proposes (see `TwoStage`), or its checkpoint.

    Raises:
        LgsidError: if the checkpoint is not a recommender's or does not fit the dataset, for an unknown user or item,
            and where nothing is left to recommend.
    """
    asked = LiveRecommender(model, dataset, rank_with)
    return asked.recommend(user, history, at, near, radius_km, k, new_only, filters)


class LiveRecommender:
    """A trained recommender over its dataset, ready to answer.

    Args:
        model: A trained recommender, its checkpoint, or the run folder with its `model.ckpt`.
        dataset: The dataset it was trained on, or its folder.
        rank_with: A trained model that orders the places which `model` proposes (see `TwoStage`), or its checkpoint.

    Raises:
        LgsidError: if a file is missing, the checkpoint is not a recommender's, or the model was trained on other data.
    """

    def __init__(
        self,
        model: Recommender | str | Path,
        dataset: Dataset | str | Path,
        rank_with: Recommender | str | Path | None = None,
    ) -> None:
        self.dataset = dataset if isinstance(dataset, Dataset) else Dataset.read(dataset)
        if not isinstance(model, Recommender):
            model = checkpoints.load(model, Recommender)  # type: ignore[type-abstract]
        if rank_with is not None:
            model = TwoStage(model, rank_with)
        self.model: Recommender = model.eval()
        if self.model.trained_on is None:
            raise LgsidError(f"{type(self.model).__name__}: not trained yet; fit it or load a checkpoint")
        self.model.trained_on.check(self.dataset)
        self.log = CheckInLog.of(self.dataset)
        self.name = self.model.title

    @cached_property
    def user_number(self) -> Mapping[str, int]:
        """User id -> number of the user."""
        return {str(user): number for number, user in enumerate(self.dataset.user_ids)}

    def recommend(
        self,
        user: str | None = None,
        history: Sequence[str] | None = None,
        at: str | datetime | None = None,
        near: tuple[float, float] | None = None,
        radius_km: float | None = None,
        k: int = 10,
        new_only: bool = False,
        filters: Sequence[PlaceFilter] = (),
    ) -> Recommendations:
        """Recommend places to a user of the dataset, to somebody with the given history, or to somebody unknown.

        Args:
            user: User id; the history is what the dataset has of this user before `at`.
            history: Item ids instead, oldest first; taken as visited an hour apart, the last one an hour before `at`.
            at: Local time of the query, with or without an offset from UTC; the end of the log by default.
            near: Latitude and longitude in degrees that distances count from; the last place of the history by default.
            radius_km: Recommend places within this distance only.
            k: How many places.
            new_only: Leave out the places of the history.
            filters: What else a place must pass. Where fewer than `k` pass everything, exactly those come back.

        Raises:
            LgsidError: for an unknown user or item, a value out of range, and where nothing is left to recommend.
        """
        if k < 1:
            raise LgsidError(f"k {k}: ask for at least one place")
        moment = Moment.of(at, self.log)
        visits = self._visits(user, history, moment)
        km = self._km(self._origin(visits, near))
        allowed = self._allowed(visits, km, radius_km, new_only, filters)
        with torch.no_grad():
            mask = torch.from_numpy(allowed).to(self.model.device)
            batch = visits.batch(moment, self.log).to(self.model.device)
            ranked = self.model.rank(batch, min(k, len(self.dataset.items)), mask)
        return self._described(ranked, km, user, visits, moment)

    def _visits(self, user: str | None, history: Sequence[str] | None, moment: Moment) -> VisitHistory:
        if user is not None and history is not None:
            raise LgsidError("give a user or a history, not both")
        if user is not None:
            number = self.user_number.get(str(user))
            if number is None:
                raise LgsidError(f"user {user!r} is not in the dataset; describe somebody new by a history")
            return VisitHistory.of_user(number, self.log, moment)
        wanted = [str(item) for item in history or []]
        items = self.dataset.items.rows(np.array(wanted, dtype=object))
        if (items < 0).any():
            unknown = wanted[int(np.flatnonzero(items < 0)[0])]
            raise LgsidError(f"item {unknown!r} is not in the dataset; a history holds ids of its items")
        return VisitHistory.of_items(items, moment)

    def _origin(self, visits: VisitHistory, near: tuple[float, float] | None) -> tuple[float, float] | None:
        """Return where distances count from: `near`, else the last place of the history, else nowhere."""
        if near is not None:
            lat, lon = near
            if not (abs(lat) <= 90 and abs(lon) <= 180):
                raise LgsidError(
                    f"near {lat:g},{lon:g}: latitude must be within -90..90 and longitude within -180..180"
                )
            return lat, lon
        if not len(visits.item):
            return None
        last, items = int(visits.item[-1]), self.dataset.items
        return float(items.lat_deg[last]), float(items.lon_deg[last])

    def _km(self, origin: tuple[float, float] | None) -> npt.NDArray[np.float64]:
        """Return the distance of every item from the origin, NaN without one, shape (N,) km."""
        items = self.dataset.items
        if origin is None:
            return np.full(len(items), np.nan)
        lat, lon = (torch.from_numpy(values.copy()) for values in (items.lat_deg, items.lon_deg))
        here = torch.tensor(origin, dtype=torch.float64)
        return np.asarray(haversine_m(lat, lon, here[0], here[1]).numpy() / 1e3)

    def _allowed(
        self,
        visits: VisitHistory,
        km: npt.NDArray[np.float64],
        radius_km: float | None,
        new_only: bool,
        filters: Sequence[PlaceFilter],
    ) -> npt.NDArray[np.bool_]:
        """Return which items may be recommended, shape (N,)."""
        allowed = np.ones(len(self.dataset.items), dtype=bool)
        if radius_km is not None:
            if not (math.isfinite(radius_km) and radius_km > 0):
                raise LgsidError(f"radius_km {radius_km:g}: must be positive")
            if np.isnan(km).all():
                raise LgsidError("radius_km: from where? Give a position (near), a user with check-ins, or a history")
            allowed = km <= radius_km
            if not allowed.any():
                raise LgsidError(f"no place within {radius_km:g} km; the nearest is {np.nanmin(km):.3g} km away")
        if new_only:
            allowed[visits.item] = False
            if not allowed.any():
                raise LgsidError("the user has been to every place there is; allow visited places or a wider radius")
        for number, constraint in enumerate(filters):
            passing = constraint.allowed(self.dataset.items)
            if not passing.any():
                raise LgsidError(f"no place passes: {constraint}")
            if not (allowed & passing).any():
                before = ", ".join(["what was asked before it", *map(str, filters[:number])])
                raise LgsidError(f"no place passes both {constraint} and {before}; ask for less")
            allowed &= passing
        return allowed

    def _steps(self, visits: VisitHistory, moment: Moment) -> npt.NDArray[np.int64]:
        """Count how often others went on from the user's last place to each item before a moment, shape (N,)."""
        n, log = len(self.dataset.items), self.log
        if not len(visits.item):
            return np.zeros(n, dtype=np.int64)
        first, second = log.steps
        counted = (log.item[first] == visits.item[-1]) & (log.user[second] != visits.user)
        counted &= log.time_s[second] < moment.time_s
        return np.bincount(log.item[second[counted]], minlength=n)

    def _described(
        self, ranked: Ranked, km: npt.NDArray[np.float64], user: str | None, visits: VisitHistory, moment: Moment
    ) -> Recommendations:
        """Name the recommended items of one query, with their distances (N,) km and what speaks for them."""
        items = self.dataset.items
        pairs = zip(ranked.items[0].tolist(), ranked.scores[0].tolist(), strict=True)
        found = [(row, score) for row, score in pairs if row >= 0]
        if not found:
            raise LgsidError(f"{self.name} has no place to recommend here; allow visited places or a wider radius")
        shape = self.model.data_shape
        has_codes = shape is not None and bool(shape.codebook_sizes)
        finest = items.region_columns[::-1]
        listed = []
        n_visits = np.bincount(visits.item, minlength=len(items))
        n_steps = self._steps(visits, moment)
        for rank, (row, score) in enumerate(found, start=1):
            place = items.frame.iloc[row]
            listed.append(
                Recommendation(
                    rank=rank,
                    item_id=str(place["item_id"]),
                    name=str(place["name"]),
                    category=str(place["category"]),
                    region=next((str(place[c]) for c in finest if place[c]), ""),
                    km=None if math.isnan(km[row]) else float(km[row]),
                    score=score,
                    sid=tuple(self.model.catalogue.codes[row].tolist()) if has_codes else (),
                    visits=int(n_visits[row]),
                    probability=math.exp(score) if self.model.scores_are_log_probs else None,
                    why=why(int(n_visits[row]), int(n_steps[row]), float(km[row])),
                )
            )
        return Recommendations(self.name, user, moment.local.isoformat(timespec="minutes"), tuple(listed))


def why(n_visits: int, n_steps: int, km: float) -> str:
    """Say what speaks for a place, in a few words; empty where nothing plain does.

    Args:
        n_visits: Past check-ins of the user there.
        n_steps: How often others went on to it from the user's last place.
        km: Distance from the user, NaN where unknown.
    """
    reasons = [f"visited {n_visits}x"] if n_visits else []
    reasons += [f"{n_steps} from here"] if n_steps else []
    reasons += ["near"] if km <= NEAR_KM else []
    return ", ".join(reasons)
