"""Recommend places to one user, now: what `lgsid recommend` does."""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import numpy.typing as npt
import torch

from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.artefacts.dataset import Dataset
from lgsid.errors import LgsidError
from lgsid.functional.distances import haversine_m
from lgsid.recommenders.recommendations import Recommendation, Recommendations
from lgsid.recommenders.recommender import CLASS_PATH, Recommender
from lgsid.typing import SequenceBatch

HOUR_S = 3600.0
OFFSET_ROWS = 1000  # latest check-ins that tell the offset of local time
IntArray = npt.NDArray[np.int64]


def recommend(
    checkpoint: str | Path,
    dataset: str | Path | Dataset,
    user: str | None = None,
    history: Sequence[str] | None = None,
    at: str | datetime | None = None,
    near: tuple[float, float] | None = None,
    radius_km: float | None = None,
    k: int = 10,
    new_only: bool = False,
) -> Recommendations:
    """Recommend places to a user of the dataset, to somebody with the given history, or to somebody unknown.

    Args:
        checkpoint: `model.ckpt` of any recommender.
        dataset: The dataset it was trained on, or its folder.
        user: User id; the history is what the dataset has of this user before `at`.
        history: Item ids instead, oldest first; taken as visited an hour apart, the last one an hour before `at`.
        at: Local time of the query, with or without an offset from UTC; the end of the log by default.
        near: Where the user is, latitude and longitude in degrees; the last place of the history by default. Distances
            and the radius count from there.
        radius_km: Recommend places within this distance only.
        k: How many places.
        new_only: Leave out the places of the history.

    Raises:
        LgsidError: if the checkpoint is not a recommender's or does not fit the dataset, for an unknown user or item,
            and where nothing is left to recommend.
    """
    if k < 1:
        raise LgsidError(f"k is {k}: ask for at least one place")
    data = dataset if isinstance(dataset, Dataset) else Dataset.read(dataset)
    model = load_recommender(checkpoint)
    check_fit(model, data, checkpoint)
    log = CheckInLog.of(data)
    moment = Moment.of(at, log)
    past = past_of(data, log, user, history, moment)
    batch = past.batch(moment, log)
    origin = origin_of(data, batch, near)
    km = distances_km(data, origin)
    allowed = allowed_items(data, batch, km, radius_km, new_only)
    with torch.no_grad():
        ranked = model.eval().rank(batch, min(k, len(data.items)), torch.from_numpy(allowed))
    return describe(model, data, ranked.items[0], ranked.scores[0], km, user, moment)


def load_recommender(checkpoint: str | Path) -> Recommender:
    """Load a recommender of any class from its checkpoint.

    Raises:
        LgsidError: if the file is missing, unreadable, or the checkpoint of something else.
    """
    path = Path(checkpoint)
    if not path.is_file():
        raise LgsidError(f"{path}: no such checkpoint; train one with `lgsid fit --config recommender/tiger.yaml`")
    try:
        saved: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise LgsidError(f"{path}: not a readable checkpoint ({str(error).splitlines()[0]})") from error
    class_path = saved.get(CLASS_PATH)
    if not isinstance(class_path, str):
        raise LgsidError(f"{path}: not the checkpoint of a recommender; give the model.ckpt of a recommender's run")
    module, _, name = class_path.rpartition(".")
    try:
        kind: Any = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise LgsidError(f"{path}: its recommender {class_path} cannot be imported ({error})") from error
    if "_instantiator" in saved.get(L.LightningModule.CHECKPOINT_HYPER_PARAMS_KEY, {}):
        kind = L.LightningModule  # it knows how to build the class and the parts that a config named
    try:
        model = kind.load_from_checkpoint(path, map_location="cpu")
    except (RuntimeError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise LgsidError(
            f"{path}: cannot rebuild {name} ({reason}); a model built in Python with parts of its own is loaded by"
            f" {name}.load_from_checkpoint(path, ...)"
        ) from error
    if not isinstance(model, Recommender):
        raise LgsidError(f"{path}: {class_path} is not a Recommender")
    return model.eval()


def check_fit(model: Recommender, data: Dataset, checkpoint: str | Path) -> None:
    """Compare the places of model and dataset.

    Raises:
        LgsidError: if they differ, since rows would then mean other places.
    """
    places = model.item_lat_deg.cpu().numpy()
    if len(places) != len(data.items) or not np.array_equal(places, data.items.lat_deg):
        raise LgsidError(f"{checkpoint}: it was trained on {len(places)} places that are not those of this dataset")


@dataclass(frozen=True)
class Moment:
    """A moment as the log counts time.

    Args:
        time_s: Seconds since 1970 UTC.
        local: Local date and time, without an offset.
        is_end: Whether no check-in of the log is later.
    """

    time_s: float
    local: datetime
    is_end: bool

    @classmethod
    def of(cls, at: str | datetime | None, log: CheckInLog) -> Moment:
        """Read a time; the end of the log where it is missing.

        Raises:
            LgsidError: if it is no time, or the log is empty.
        """
        if not len(log):
            raise LgsidError("the dataset has no check-ins to recommend from")
        offset = local_offset_h(log)
        if at is None:
            time_s = float(log.time_s[-1])
            return cls(time_s, from_utc(time_s) + timedelta(hours=offset), True)
        try:
            when = at if isinstance(at, datetime) else datetime.fromisoformat(at.replace("Z", "+00:00"))
        except ValueError:
            raise LgsidError(f"--at {at!r}: not a time; write it like 2012-10-05T19:00") from None
        local = when.replace(tzinfo=None)
        shift = offset * HOUR_S if when.tzinfo is None else when.utcoffset().total_seconds()  # type: ignore[union-attr]
        time_s = local.replace(tzinfo=timezone.utc).timestamp() - shift
        return cls(time_s, local, bool(time_s >= log.time_s[-1]))


def from_utc(time_s: float) -> datetime:
    """Return the UTC date and time of seconds since 1970, without an offset."""
    return datetime.fromtimestamp(time_s, tz=timezone.utc).replace(tzinfo=None)


def local_offset_h(log: CheckInLog) -> int:
    """Return the offset of local time from UTC in hours, as most of the latest check-ins have it."""
    utc = log.time_s[-OFFSET_ROWS:] // HOUR_S % 24
    offsets = ((np.floor(log.hour[-OFFSET_ROWS:]) - utc + 11) % 24 - 11).astype(np.int64)  # -11..12
    values, counts = np.unique(offsets, return_counts=True)
    return int(values[counts.argmax()])


@dataclass(frozen=True)
class Past:
    """Where somebody was.

    Args:
        user: Number of the user, -1 for somebody unknown.
        item: Shape (T,), item rows, oldest first.
        time_s: Shape (T,).
        hour: Shape (T,), local.
        weekday: Shape (T,).
    """

    user: int
    item: IntArray
    time_s: npt.NDArray[np.float64]
    hour: npt.NDArray[np.float32]
    weekday: IntArray

    def batch(self, moment: Moment, log: CheckInLog) -> SequenceBatch:
        """Return the query at a moment, as a batch of one. Its row is -1 where the moment is not inside the log."""
        row = -1 if moment.is_end else int(np.searchsorted(log.time_s, moment.time_s))
        padding = 0 if len(self.item) else 1  # models want at least one column

        def tensor(values: npt.NDArray[Any], fill: float) -> torch.Tensor:
            return torch.from_numpy(np.concatenate([np.full(padding, fill, values.dtype), values])[None])

        return SequenceBatch(
            row=torch.tensor([row]),
            user=torch.tensor([self.user]),
            history=tensor(self.item, -1),
            history_age_s=tensor(moment.time_s - self.time_s, 0),
            history_hour=tensor(self.hour, 0),
            history_weekday=tensor(self.weekday, 0),
            hour=torch.tensor([moment.local.hour], dtype=torch.float32),
            weekday=torch.tensor([moment.local.weekday()]),
            target=torch.tensor([-1]),
            is_new=torch.tensor([False]),
        )


def past_of(data: Dataset, log: CheckInLog, user: str | None, history: Sequence[str] | None, moment: Moment) -> Past:
    """Return the past of a user of the dataset, or of a list of items.

    Raises:
        LgsidError: for an unknown user or item, or both a user and a history.
    """
    if user is not None and history is not None:
        raise LgsidError("give a user or a history, not both")
    if user is not None:
        found = np.flatnonzero(data.user_ids.astype(str) == str(user))
        if not len(found):
            raise LgsidError(f"user {user!r} is not in the dataset; somebody new is described by --history ITEM,ITEM")
        before = log.time_s <= moment.time_s if moment.is_end else log.time_s < moment.time_s
        rows = np.flatnonzero((log.user == found[0]) & before)
        return Past(int(found[0]), log.item[rows], log.time_s[rows], log.hour[rows], log.weekday[rows])
    items = data.items.rows(np.array([str(i) for i in history or []], dtype=object))
    if (items < 0).any():
        unknown = list(history or [])[int(np.flatnonzero(items < 0)[0])]
        raise LgsidError(f"item {unknown!r} is not in the dataset; --history takes values of its item_id column")
    back = np.arange(len(items), 0, -1)
    local = [moment.local - timedelta(hours=int(hours)) for hours in back]
    hour = np.array([t.hour for t in local], dtype=np.float32)
    weekday = np.array([t.weekday() for t in local], dtype=np.int64)
    time_s = np.asarray(moment.time_s - back * HOUR_S, dtype=np.float64)
    return Past(-1, items, time_s, hour, weekday)


def origin_of(data: Dataset, batch: SequenceBatch, near: tuple[float, float] | None) -> tuple[float, float] | None:
    """Return where distances count from: `near`, else the last place of the history, else nowhere.

    Raises:
        LgsidError: if `near` is not on Earth.
    """
    if near is not None:
        lat, lon = near
        if not (abs(lat) <= 90 and abs(lon) <= 180):
            raise LgsidError(f"--near {lat:g},{lon:g}: latitude must be within -90..90 and longitude within -180..180")
        return lat, lon
    last = int(batch.history[0, -1])
    return None if last < 0 else (float(data.items.lat_deg[last]), float(data.items.lon_deg[last]))


def distances_km(data: Dataset, origin: tuple[float, float] | None) -> npt.NDArray[np.float64]:
    """Return the distance of every item from the origin, NaN without one, shape (N,)."""
    if origin is None:
        return np.full(len(data.items), np.nan)
    lat, lon = (torch.from_numpy(values.copy()) for values in (data.items.lat_deg, data.items.lon_deg))
    here = torch.tensor(origin, dtype=torch.float64)
    return np.asarray(haversine_m(lat, lon, here[0], here[1]).numpy() / 1e3)


def allowed_items(
    data: Dataset, batch: SequenceBatch, km: npt.NDArray[np.float64], radius_km: float | None, new_only: bool
) -> npt.NDArray[np.bool_]:
    """Return which items may be recommended, shape (N,).

    Raises:
        LgsidError: if the radius is not a positive number or counts from nowhere, or no item is left.
    """
    allowed = np.ones(len(data.items), dtype=bool)
    if radius_km is not None:
        if not (math.isfinite(radius_km) and radius_km > 0):
            raise LgsidError(f"--radius-km {radius_km:g}: must be a positive number of kilometres")
        if np.isnan(km).all():
            raise LgsidError("--radius-km: from where? Give --near LAT,LON, a user with check-ins, or a history")
        allowed = km <= radius_km
        if not allowed.any():
            raise LgsidError(f"no place within {radius_km:g} km; the nearest is {np.nanmin(km):.3g} km away")
    if new_only:
        seen = batch.history[0]
        allowed[seen[seen >= 0].numpy()] = False
        if not allowed.any():
            raise LgsidError("the user has been to every place there is; leave out --new-only or widen the radius")
    return allowed


def describe(
    model: Recommender,
    data: Dataset,
    items: torch.Tensor,
    scores: torch.Tensor,
    km: npt.NDArray[np.float64],
    user: str | None,
    moment: Moment,
) -> Recommendations:
    """Name the recommended items.

    Args:
        model: It knows the semantic IDs.
        data: It knows the names.
        items: Shape (k,), item rows, -1 is padding.
        scores: Shape (k,).
        km: Shape (N,).
        user: Of the query.
        moment: Of the query.

    Raises:
        LgsidError: if there are none.
    """
    frame = data.items.frame
    has_codes = bool(model.data_shape is not None and model.data_shape.codebook_sizes)
    rows = [int(i) for i in items if i >= 0]
    if not rows:
        raise LgsidError(f"{type(model).__name__} has no place to recommend here; widen the radius or drop --new-only")
    finest = data.items.region_columns[::-1]
    listed = []
    for rank, row in enumerate(rows, start=1):
        place = frame.iloc[row]
        listed.append(
            Recommendation(
                rank=rank,
                item_id=str(place["item_id"]),
                name=str(place["name"]),
                category=str(place["category"]),
                region=next((str(place[c]) for c in finest if place[c]), ""),
                km=None if math.isnan(km[row]) else float(km[row]),
                score=float(scores[rank - 1]),
                sid=tuple(model.codes[row].tolist()) if has_codes else (),
            )
        )
    return Recommendations(type(model).__name__, user, moment.local.isoformat(timespec="minutes"), tuple(listed))
