"""Recommend places to one user, now: loaded once, asked often."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt
import torch

from lgsid import checkpoints
from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.artefacts.dataset import Dataset
from lgsid.errors import LgsidError
from lgsid.functional.distances import chord_to_m, unit_vectors
from lgsid.recommenders.live_query import Moment, VisitHistory, batch_of
from lgsid.recommenders.place_filters import PlaceFilter
from lgsid.recommenders.place_query import PlaceQuery, PreparedQuery, Visited
from lgsid.recommenders.recommendations import Recommendation, Recommendations
from lgsid.recommenders.recommender import Ranked, Recommender
from lgsid.recommenders.two_stage import TwoStage

P = ParamSpec("P")
T = TypeVar("T")
UNASKED = LgsidError("not asked yet")
NEAR_KM = 0.5  # a walk of some minutes
THERE_KM = 1.0  # whoever is farther from any place is at none


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
            and the radius count from there, and the model takes it for a visit to the place nearest to it.
        radius_km: Recommend places within this distance only.
        k: How many places.
        new_only: Leave out the places of the history, and where the user is.
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

    def recommend(
        self,
        user: str | None = None,
        history: Sequence[Visited] | None = None,
        at: str | datetime | None = None,
        near: tuple[float, float] | None = None,
        radius_km: float | None = None,
        k: int = 10,
        new_only: bool = False,
        filters: Sequence[PlaceFilter] = (),
    ) -> Recommendations:
        """Recommend places to a user of the dataset, to somebody with the given history, or to somebody unknown.

        The arguments are those of `PlaceQuery`.

        Raises:
            LgsidError: for an unknown user or item, a value out of range, and where nothing is left to recommend.
        """
        (found,) = self.answer([PlaceQuery(user, history, at, near, radius_km, k, new_only, filters)])
        if isinstance(found, LgsidError):
            raise found
        return found

    def answer(self, queries: Sequence[PlaceQuery]) -> list[Recommendations | LgsidError]:
        """Answer several queries at once, each as if it were asked alone; an error is an answer, too.

        Those that ask for as many places are ranked in one batch.
        """
        prepared = [attempted(self.prepare, query) for query in queries]
        answers: list[Recommendations | LgsidError] = [p if isinstance(p, LgsidError) else UNASKED for p in prepared]
        by_length: dict[int, list[tuple[int, PreparedQuery]]] = {}
        for number, ready in enumerate(prepared):
            if isinstance(ready, PreparedQuery):
                by_length.setdefault(ready.query.k, []).append((number, ready))
        for k, asked in by_length.items():
            ranked = self.rank([ready for _, ready in asked], k)
            for (number, ready), rows, scores in zip(asked, ranked.items, ranked.scores, strict=True):
                answers[number] = attempted(self._described, rows, scores, ready)
        return answers

    def prepare(self, query: PlaceQuery) -> PreparedQuery:
        """Look up everything that a query names.

        Raises:
            LgsidError: for an unknown user or item, a value out of range, and where nothing is left to recommend.
        """
        if query.k < 1:
            raise LgsidError(f"k {query.k}: ask for at least one place")
        moment = Moment.of(query.at, self.log)
        visits = self._visits(query.user, query.history, moment)
        km = self._km(self._origin(visits, query.near))
        told = visits if query.near is None else self._now_there(visits, km, moment)
        return PreparedQuery(query, visits, told, moment, km, self._allowed(told, km, query))

    @torch.no_grad()
    def rank(self, asked: Sequence[PreparedQuery], k: int) -> Ranked:
        """Return the k best items of B prepared queries, in one batch."""
        mask = torch.from_numpy(np.stack([prepared.allowed for prepared in asked])).to(self.model.device)
        batch = batch_of([(prepared.told, prepared.moment) for prepared in asked], self.log).to(self.model.device)
        return self.model.rank(batch, min(k, len(self.dataset.items)), mask)

    def _visits(self, user: str | None, history: Sequence[Visited] | None, moment: Moment) -> VisitHistory:
        if user is not None and history is not None:
            raise LgsidError("give a user or a history, not both")
        if user is not None:
            number = int(self.dataset.user_numbers([str(user)])[0])
            if number < 0:
                raise LgsidError(f"user {user!r} is not in the dataset; describe somebody new by a history")
            return VisitHistory.of_user(number, self.log, moment)
        given = [(visit, None) if isinstance(visit, str) else visit for visit in history or []]
        wanted = [str(item) for item, _ in given]
        items = self.dataset.items.rows(np.array(wanted, dtype=object))
        if (items < 0).any():
            unknown = wanted[int(np.flatnonzero(items < 0)[0])]
            raise LgsidError(f"item {unknown!r} is not in the dataset; a history holds ids of its items")
        timed = [Moment.of(when, self.log) for _, when in given if when is not None]
        if timed and len(timed) < len(given):
            raise LgsidError("history: some visits have a time and others have none; give all of them one, or none")
        return VisitHistory.of_visits(items, timed, moment) if timed else VisitHistory.of_items(items, moment)

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

    @staticmethod
    def _now_there(visits: VisitHistory, km: npt.NDArray[np.float64], moment: Moment) -> VisitHistory:
        """Return a history that ends where the user is: models learn from the last visit where somebody is.

        Args:
            visits: Where the user has been.
            km: Shape (N,), distances of the items from the user.
            moment: When the user is there.
        """
        nearest = int(np.nan_to_num(km, nan=np.inf).argmin())
        return visits.now_at(nearest, moment) if km[nearest] <= THERE_KM else visits

    def _km(self, origin: tuple[float, float] | None) -> npt.NDArray[np.float64]:
        """Return the distance of every item from the origin, NaN without one, shape (N,) km."""
        if origin is None:
            return np.full(len(self._points), np.nan)
        return chord_to_m(np.linalg.norm(self._points - unit_vectors(*origin), axis=1)) / 1e3

    @cached_property
    def _points(self) -> npt.NDArray[np.float64]:
        """The items as points of the unit sphere, shape (N, 3)."""
        return unit_vectors(self.dataset.items.lat_deg, self.dataset.items.lon_deg)

    def _allowed(self, told: VisitHistory, km: npt.NDArray[np.float64], query: PlaceQuery) -> npt.NDArray[np.bool_]:
        """Return which items may be recommended, shape (N,)."""
        radius_km, filters = query.radius_km, query.filters
        allowed = np.ones(len(self.dataset.items), dtype=bool)
        if radius_km is not None:
            if not (math.isfinite(radius_km) and radius_km > 0):
                raise LgsidError(f"radius_km {radius_km:g}: must be positive")
            if np.isnan(km).all():
                raise LgsidError("radius_km: from where? Give a position (near), a user with check-ins, or a history")
            allowed = km <= radius_km
            if not allowed.any():
                raise LgsidError(f"no place within {radius_km:g} km; the nearest is {np.nanmin(km):.3g} km away")
        if query.new_only:
            allowed[told.item] = False
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

    def steps(self, visits: VisitHistory, moment: Moment) -> npt.NDArray[np.int64]:
        """Count how often others went on from the user's last place to each item before a moment, shape (N,)."""
        n, log = len(self.dataset.items), self.log
        if not len(visits.item):
            return np.zeros(n, dtype=np.int64)
        rows = log.steps_from(int(visits.item[-1]))
        counted = (log.user[rows] != visits.user) & (log.time_s[rows] < moment.time_s)
        return np.bincount(log.item[rows[counted]], minlength=n)

    def _described(self, rows: torch.Tensor, scores: torch.Tensor, prepared: PreparedQuery) -> Recommendations:
        """Name the recommended items (k,) of one query, with their distances and what speaks for them."""
        items, km, visits = self.dataset.items, prepared.km, prepared.visits
        pairs = zip(rows.tolist(), scores.tolist(), strict=True)
        found = [(row, score) for row, score in pairs if row >= 0]
        if not found:
            raise LgsidError(f"{self.name} has no place to recommend here; allow visited places or a wider radius")
        shape = self.model.data_shape
        has_codes = shape is not None and bool(shape.codebook_sizes)
        finest = items.region_columns[::-1]
        listed = []
        n_visits = np.bincount(visits.item, minlength=len(items))
        n_steps = self.steps(prepared.told, prepared.moment)
        for rank, (row, score) in enumerate(found, start=1):
            place = {column: str(items.texts(column)[row]) for column in ("item_id", "name", "category", *finest)}
            listed.append(
                Recommendation(
                    rank=rank,
                    item_id=place["item_id"],
                    name=place["name"],
                    category=place["category"],
                    region=next((place[c] for c in finest if place[c]), ""),
                    km=None if math.isnan(km[row]) else float(km[row]),
                    score=score,
                    sid=tuple(self.model.catalogue.codes[row].tolist()) if has_codes else (),
                    visits=int(n_visits[row]),
                    probability=math.exp(score) if self.model.scores_are_log_probs else None,
                    why=why(int(n_visits[row]), int(n_steps[row]), float(km[row])),
                )
            )
        is_there = prepared.query.near is not None and len(prepared.told.item)
        standing_at = str(items.ids[prepared.told.item[-1]]) if is_there else None
        at = prepared.moment.local.isoformat(timespec="minutes")
        return Recommendations(self.name, prepared.query.user, at, tuple(listed), standing_at)


def attempted(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | LgsidError:
    """Return what a call returns, or the `LgsidError` that it raises."""
    try:
        return call(*args, **kwargs)
    except LgsidError as error:
        return error


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
