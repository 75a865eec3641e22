"""Local hours and weekdays."""

from __future__ import annotations

import pandas as pd

from lgsid.artefacts.columns import bad_rows, rows_text, to_integers
from lgsid.artefacts.times import zone_of
from lgsid.errors import LgsidError

DAY_MIN = 24 * 60


def local_hour_weekday(time: pd.Series, zone: str) -> tuple[pd.Series, pd.Series]:
    """Return the local hour (0..23) and weekday (0 is Monday) of UTC times in an IANA time zone.

    Raises:
        LgsidError: if the zone is unknown.
    """
    return hour_weekday(time.dt.tz_convert(zone_of(zone)))


def shifted_hour_weekday(time: pd.Series, offset_min: pd.Series, where: str) -> tuple[pd.Series, pd.Series]:
    """Return the local hour and weekday of UTC times with each row's own offset in minutes.

    Args:
        time: UTC timestamps, shape (M,).
        offset_min: Texts or numbers, shape (M,).
        where: File and column of the offsets, for the message.

    Raises:
        LgsidError: if an offset is missing, no whole number, or a day or longer; names its data row.
    """
    minutes = to_integers(offset_min, where)
    wrong = minutes.abs() >= DAY_MIN
    if wrong.any():
        raise LgsidError(f"{where}: {rows_text(bad_rows(wrong))}: {minutes[wrong].iloc[0]} minutes are a day or longer")
    return hour_weekday(time + pd.to_timedelta(minutes, unit="min"))


def hour_weekday(local: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Return the hour and weekday of local times."""
    return local.dt.hour.astype("int64"), local.dt.day_of_week.astype("int64")
