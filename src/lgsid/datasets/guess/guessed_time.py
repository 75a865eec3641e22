"""How the times of a log are written: what `TableSource` has to be told of them, and why."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from lgsid.artefacts.times import UNITS_US, read_times
from lgsid.errors import LgsidError

FORMATS = (
    "%a %b %d %H:%M:%S %z %Y",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y",
)
DAY_OR_MONTH = tuple(
    (f"%d/%m/%Y{clock}", f"%m/%d/%Y{clock}") for clock in (" %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p", "")
)
OFFSET = r"(?:[Zz]|UTC|[+-]\d\d:?(?:\d\d)?)$"
CLOCK = r"\d:\d\d"


@dataclass(frozen=True)
class GuessedTime:
    """How times are written.

    Args:
        why: The reason.
        time_format: A `strptime` format; `None` for ISO 8601, numbers and timestamps.
        time_unit: Unit of numbers since 1970; `None` for texts and timestamps.
        has_offset: Whether each time tells the instant by itself, so that no time zone is needed for that.
    """

    why: str
    time_format: str | None = None
    time_unit: str | None = None
    has_offset: bool = False

    @classmethod
    def of(cls, values: pd.Series) -> GuessedTime | None:
        """Return how a column is written, `None` if it does not hold times in a form that is known.

        Args:
            values: The column, all of it: one value can tell a day from a month.

        Raises:
            LgsidError: if days and months cannot be told apart.
        """
        if pd.api.types.is_datetime64_any_dtype(values):
            return cls("its values are timestamps", has_offset=values.dt.tz is not None)
        for unit in UNITS_US:
            if reads(values, unit=unit):
                return cls(f"its values count {unit} since 1970", time_unit=unit, has_offset=True)
        if reads(values):
            texts = values.astype(str).str.strip()
            return cls("its values are ISO 8601", has_offset=bool(texts.str.contains(CLOCK + r".*" + OFFSET).all()))
        for fmt in FORMATS:
            if reads(values, fmt=fmt):
                return cls(f"its values follow {fmt}", time_format=fmt, has_offset="%z" in fmt)
        for pair in DAY_OR_MONTH:
            fitting = [fmt for fmt in pair if reads(values, fmt=fmt)]
            if len(fitting) == 2:
                raise LgsidError(
                    f"time {str(values.iloc[0])!r} may be day/month or month/day; say which with --time-format"
                    f" '{pair[0]}' or '{pair[1]}'"
                )
            if fitting:
                return cls(f"its values follow {fitting[0]}", time_format=fitting[0])
        return None


def reads(values: pd.Series, fmt: str | None = None, unit: str | None = None) -> bool:
    """Tell whether all values of a column can be read in one way."""
    try:
        read_times(values, "", fmt=fmt, unit=unit)
    except LgsidError:
        return False
    return True
