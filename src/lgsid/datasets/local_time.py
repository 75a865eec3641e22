"""Local hours and weekdays."""

from __future__ import annotations

import pandas as pd

from lgsid.artefacts.times import zone_of


def local_hour_weekday(time: pd.Series, zone: str) -> tuple[pd.Series, pd.Series]:
    """Return the local hour (0..23) and weekday (0 is Monday) of UTC times in an IANA time zone.

    Raises:
        LgsidError: if the zone is unknown.
    """
    return hour_weekday(time.dt.tz_convert(zone_of(zone)))


def shifted_hour_weekday(time: pd.Series, offset_min: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Return the local hour and weekday of UTC times with each row's own offset in minutes."""
    return hour_weekday(time + pd.to_timedelta(offset_min, unit="min"))


def hour_weekday(local: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Return the hour and weekday of local times."""
    return local.dt.hour.astype("int64"), local.dt.day_of_week.astype("int64")
