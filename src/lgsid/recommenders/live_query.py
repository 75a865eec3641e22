"""Who asks for a recommendation and when: the query of a live recommendation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.artefacts.times import FIRST_YEAR, LAST_YEAR
from lgsid.errors import LgsidError
from lgsid.typing import SequenceBatch

HOUR_S = 3600.0
OFFSET_ROWS = 1000  # latest check-ins that tell the offset of local time
IntArray = npt.NDArray[np.int64]


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
            LgsidError: if it is no time, or missing where the log is empty.
        """
        if not len(log) and at is None:
            raise LgsidError("the dataset has no check-ins, whose last one would be the time; say when (at)")
        offset = local_offset_h(log) if len(log) else 0
        if at is None:
            time_s = float(log.time_s[-1])
            return cls(time_s, from_utc(time_s) + timedelta(hours=offset), True)
        try:
            when = at if isinstance(at, datetime) else datetime.fromisoformat(at.replace("Z", "+00:00"))
        except ValueError:
            raise LgsidError(f"at {at!r}: not a time; write it like 2012-10-05T19:00") from None
        if not FIRST_YEAR <= when.year <= LAST_YEAR:
            raise LgsidError(f"at {at!s}: the year is not in {FIRST_YEAR}..{LAST_YEAR}")
        local = when.replace(tzinfo=None)
        shift = offset * HOUR_S if when.tzinfo is None else when.utcoffset().total_seconds()  # type: ignore[union-attr]
        time_s = local.replace(tzinfo=timezone.utc).timestamp() - shift
        return cls(time_s, local, not len(log) or bool(time_s >= log.time_s[-1]))


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
class VisitHistory:
    """Where somebody has been before the query.

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

    @classmethod
    def of_user(cls, user: int, log: CheckInLog, moment: Moment) -> VisitHistory:
        """Return the check-ins of a user of the log before a moment; at the end of the log, all of them."""
        rows = log.of_user(user)
        rows = rows[log.time_s[rows] <= moment.time_s if moment.is_end else log.time_s[rows] < moment.time_s]
        return cls(user, log.item[rows], log.time_s[rows], log.hour[rows], log.weekday[rows])

    @classmethod
    def of_items(cls, items: IntArray, moment: Moment) -> VisitHistory:
        """Return a history of somebody unknown: items (T,) visited an hour apart, the last one an hour ago."""
        back = np.arange(len(items), 0, -1)
        local = [moment.local - timedelta(hours=int(hours)) for hours in back]
        hour = np.array([t.hour for t in local], dtype=np.float32)
        weekday = np.array([t.weekday() for t in local], dtype=np.int64)
        return cls(-1, items, np.asarray(moment.time_s - back * HOUR_S, dtype=np.float64), hour, weekday)

    @classmethod
    def of_visits(cls, items: IntArray, moments: Sequence[Moment], moment: Moment) -> VisitHistory:
        """Return a history of somebody unknown: items (T,) with the moments they were visited at, in any order.

        Raises:
            LgsidError: if a visit is not before the query.
        """
        times = np.array([visit.time_s for visit in moments], dtype=np.float64)
        if (times > moment.time_s).any():
            late = moments[int(np.flatnonzero(times > moment.time_s)[0])].local.isoformat()
            raise LgsidError(f"history: a visit at {late} is after the time of the query, {moment.local.isoformat()}")
        order = np.argsort(times, kind="stable")
        hour = np.array([visit.local.hour for visit in moments], dtype=np.float32)
        weekday = np.array([visit.local.weekday() for visit in moments], dtype=np.int64)
        return cls(-1, items[order], times[order], hour[order], weekday[order])

    def now_at(self, item: int, moment: Moment) -> VisitHistory:
        """Return the history with a visit to an item in the end, an hour before a moment or when the last one was.

        It stays as it is if the last visit was there.
        """
        if len(self.item) and self.item[-1] == item:
            return self
        came_s = max([moment.time_s - HOUR_S, *self.time_s[-1:].tolist()])
        local = moment.local - timedelta(seconds=moment.time_s - came_s)
        return VisitHistory(
            self.user,
            np.append(self.item, item),
            np.append(self.time_s, came_s),
            np.append(self.hour, np.float32(local.hour)),
            np.append(self.weekday, local.weekday()),
        )

    def batch(self, moment: Moment, log: CheckInLog) -> SequenceBatch:
        """Return the query at a moment, as a batch of one. Its row is -1 where the moment is not inside the log."""
        return batch_of([(self, moment)], log)


def batch_of(queries: Sequence[tuple[VisitHistory, Moment]], log: CheckInLog) -> SequenceBatch:
    """Return queries as one batch, histories right-aligned. Rows are -1 where a moment is not inside the log."""
    length = max(1, *(len(visits.item) for visits, _ in queries))  # models want at least one column
    rows = [-1 if moment.is_end else int(np.searchsorted(log.time_s, moment.time_s)) for _, moment in queries]

    def padded(values: Sequence[npt.NDArray[Any]], fill: float) -> torch.Tensor:
        table = np.full((len(values), length), fill, dtype=values[0].dtype)
        for line, known in zip(table, values, strict=True):
            line[length - len(known) :] = known
        return torch.from_numpy(table)

    return SequenceBatch(
        row=torch.tensor(rows),
        user=torch.tensor([visits.user for visits, _ in queries]),
        history=padded([visits.item for visits, _ in queries], -1),
        history_age_s=padded([moment.time_s - visits.time_s for visits, moment in queries], 0),
        history_hour=padded([visits.hour for visits, _ in queries], 0),
        history_weekday=padded([visits.weekday for visits, _ in queries], 0),
        hour=torch.tensor([moment.local.hour for _, moment in queries], dtype=torch.float32),
        weekday=torch.tensor([moment.local.weekday() for _, moment in queries]),
        target=torch.full((len(queries),), -1),
        is_new=torch.zeros(len(queries), dtype=torch.bool),
    )
