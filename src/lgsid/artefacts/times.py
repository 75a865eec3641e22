"""Read times strictly: what is accepted is read as the instant that it names."""

from __future__ import annotations

import re
import zoneinfo
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from lgsid.artefacts.columns import Mask, bad_rows, plain_values, rows_text, to_numbers, to_stripped_texts
from lgsid.errors import LgsidError

FIRST_YEAR, LAST_YEAR = 1900, 2199
UNITS_US = {"s": 1e6, "ms": 1e3, "us": 1.0, "ns": 1e-3}  # length in microseconds
LIKELY_YEARS = (1980, 2100)  # in which times without a stated unit are looked for
ISO_8601 = (
    r"^(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[Tt ](?P<clock>[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?)"
    r" ?(?P<offset>[Zz]|UTC|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?)?)?$"
)
BASIC_FORMS = (  # 20240501T100000, which a date alone would not tell from a number
    (r"^([0-9]{4})([0-9]{2})([0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})", r"\1-\2-\3T\4:\5:\6"),
    (r"^([0-9]{4})([0-9]{2})([0-9]{2})T([0-9]{2})([0-9]{2})", r"\1-\2-\3T\4:\5"),
)
EPOCH = r"^[+-]?[0-9]+(?:\.[0-9]*)?$"
LITERAL_OFFSET = re.compile(r"(?<![A-Za-z])(?:Z|UTC|GMT)(?![A-Za-z])|(?<!\d)[+-]\d\d:?\d\d(?!\d)")
YEARS, DAYS = frozenset("YyGcxD"), frozenset("djcxuwaAD")
RELATIVE = frozenset({"now", "today"})  # pandas reads them as the present


@dataclass(frozen=True)
class Times:
    """A column of times as instants.

    Args:
        utc: UTC timestamps in microseconds, shape (M,).
        n_twice: Number of local times that the clock showed twice, read as the first of the two.
        n_skipped: Number of local times that the clock skipped, moved to the end of the gap.
    """

    utc: pd.Series
    n_twice: int = 0
    n_skipped: int = 0


def to_times(values: pd.Series, where: str, *, fmt: str | None = None, unit: str | None = None) -> pd.Series:
    """Parse times and convert them to UTC; times without an offset are taken as UTC. See `read_times`."""
    return read_times(values, where, fmt=fmt, unit=unit).utc


def read_times(
    values: pd.Series, where: str, *, fmt: str | None = None, unit: str | None = None, zone: str = "UTC"
) -> Times:
    """Parse times and convert them to UTC.

    Without format and unit, texts are ISO 8601: `2024-05-01T10:00:00+02:00`, with a space for the `T`, seconds and
    their fraction optional, the offset `Z`, `UTC`, `+02`, `+0200` or missing; a date alone is its midnight.
    `20240501T100000` is read as well.

    Args:
        values: Texts, numbers or timestamps.
        where: File and column, for the messages.
        fmt: A `strptime` format; None for ISO 8601. A literal `Z`, `UTC` or `+0200` in it is the offset of all times.
        unit: "s", "ms", "us" or "ns" where the values count from 1970-01-01 UTC.
        zone: IANA time zone of times without an offset.

    Raises:
        LgsidError: if a value cannot be parsed or its year is not in 1900..2199; names its data row.
    """
    time_zone = zone_of(zone)
    values = plain_values(values)
    if unit is not None:
        return Times(_from_numbers(values, where, unit))
    if pd.api.types.is_datetime64_any_dtype(values):
        wall = values.dt.tz_convert("UTC").dt.tz_localize(None) if values.dt.tz is not None else values
        offsets = np.full(len(values), np.nan if values.dt.tz is None else 0.0)
        _refuse(values.isna(), values, where, "is missing")
    elif fmt is not None:
        wall, offsets = _from_format(to_stripped_texts(values, where), where, fmt)
    else:
        wall, offsets = _from_iso_8601(to_stripped_texts(values, where), where)
    _refuse(~wall.dt.year.between(FIRST_YEAR, LAST_YEAR), values, where, _not_in_range(values))
    return _to_utc(wall.dt.as_unit("us"), offsets, time_zone)


def zone_of(name: str) -> zoneinfo.ZoneInfo:
    """Return an IANA time zone.

    Raises:
        LgsidError: if the zone is unknown.
    """
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise LgsidError(f"time zone {name!r} is unknown; use a name such as Europe/Berlin or UTC") from error


def _from_numbers(values: pd.Series, where: str, unit: str) -> pd.Series:
    if pd.api.types.is_datetime64_any_dtype(values):
        raise LgsidError(f"{where}: these are timestamps, not numbers; leave `time_unit` out")
    if unit not in UNITS_US:
        raise LgsidError(f"{where}: time unit {unit!r} is unknown; use {', '.join(UNITS_US)}")
    numbers = to_numbers(values, f"{where} (time_unit: {unit})")
    _refuse(numbers.isna(), values, where, f"does not follow {unit} since 1970")
    instants_us = numbers * UNITS_US[unit]
    first, last = (_year_us(year) for year in (FIRST_YEAR, LAST_YEAR + 1))
    _refuse(~((instants_us >= first) & (instants_us < last)), values, where, _unlikely(numbers, unit))
    mistaken = ~_is_likely(numbers, unit) & np.any([_is_likely(numbers, other) for other in UNITS_US], axis=0)
    _refuse(mistaken, values, where, _unlikely(numbers[mistaken], unit))
    return pd.Series(pd.to_datetime(instants_us.round().astype(np.int64), unit="us", utc=True)).dt.as_unit("us")


def _year_us(year: int) -> float:
    return float(np.datetime64(f"{year}-01-01", "us").astype(np.int64))


def _is_likely(numbers: pd.Series, unit: str) -> Mask:
    """Return a mask of the numbers that, in a unit, are times of our days."""
    first, last = (_year_us(year) / UNITS_US[unit] for year in LIKELY_YEARS)
    return np.asarray((numbers >= first) & (numbers < last), dtype=bool)


def _likely_unit(numbers: pd.Series) -> str:
    """Return the unit in which some of the numbers are times of our days, empty if there is none."""
    return next((unit for unit in UNITS_US if _is_likely(numbers, unit).any()), "")


def _unlikely(numbers: pd.Series, unit: str) -> str:
    other = _likely_unit(numbers.abs())
    hint = f"; it looks like {other}: set `time_unit: {other}`" if other not in {"", unit} else ""
    return f"in {unit} since 1970 is not in the years {FIRST_YEAR} to {LAST_YEAR}, or not likely{hint}"


def _from_iso_8601(texts: pd.Series, where: str) -> tuple[pd.Series, npt.NDArray[np.float64]]:
    """Return wall times and their offsets in minutes, NaN where there is none."""
    written = pa.array(texts, pa.string(), from_pandas=True)
    for pattern, extended in BASIC_FORMS:
        written = pc.replace_substring_regex(written, pattern=pattern, replacement=extended)
    parts = pc.extract_regex(written, ISO_8601)
    if isinstance(parts, pa.ChunkedArray):
        parts = parts.combine_chunks()
    matched = np.asarray(pc.is_valid(parts).to_numpy(zero_copy_only=False), dtype=bool)
    _refuse(~matched, texts, where, f"does not follow ISO 8601{_hint(texts[~matched])}")
    date, clock, offset = (pc.struct_field(parts, name) for name in ("date", "clock", "offset"))
    clock = pc.replace_substring(pc.if_else(pc.equal(clock, ""), "00:00", clock), ",", ".")
    wall = pc.binary_join_element_wise(date, clock, "T").to_pandas()
    years = date.to_pandas().str[:4].astype(np.int64)
    _refuse(~years.between(FIRST_YEAR, LAST_YEAR).to_numpy(), texts, where, _not_in_range(texts))
    parsed = pd.to_datetime(wall, format="ISO8601", errors="coerce").set_axis(texts.index)
    _refuse(parsed.isna(), texts, where, "does not exist on a clock or in the calendar")
    encoded = pc.dictionary_encode(offset)
    minutes = np.array([_minutes(text) for text in encoded.dictionary.to_pylist()], dtype=np.float64)
    return parsed, minutes[encoded.indices.to_numpy(zero_copy_only=False)]


def _from_format(texts: pd.Series, where: str, fmt: str) -> tuple[pd.Series, npt.NDArray[np.float64]]:
    """Return wall times and their offsets in minutes, NaN where there is none; with `%z`, times in UTC."""
    directives = set(re.findall(r"%(.)", fmt))
    if "Z" in directives:
        raise LgsidError(f"{where}: time format {fmt!r}: names of zones (%Z) are ambiguous; use %z, or set `time_zone`")
    if not directives & YEARS or not directives & DAYS:
        raise LgsidError(f"{where}: time format {fmt!r} is not one of strptime's, or has no year or no day")
    try:
        parsed = pd.to_datetime(texts.mask(texts.str.lower().isin(RELATIVE)), format=fmt, utc=True, errors="coerce")
    except (ValueError, TypeError, OverflowError, re.error) as error:
        raise LgsidError(f"{where}: time format {fmt!r} is not one of strptime's ({error})") from error
    _refuse(parsed.isna(), texts, where, f"does not follow the format {fmt}")
    literal = LITERAL_OFFSET.search(re.sub(r"%.", "\0", fmt))
    minutes = 0.0 if "z" in directives else _minutes(literal[0]) if literal else np.nan
    return parsed.dt.tz_localize(None), np.full(len(texts), minutes)


def _minutes(offset: str) -> float:
    """Return an offset in minutes, NaN if it is empty."""
    if not offset:
        return np.nan
    digits = re.sub(r"\D", "", offset)
    size = int(digits[:2] or 0) * 60 + int(digits[2:] or 0)
    return float(-size if offset[0] == "-" else size)


def _to_utc(wall: pd.Series, offset_min: npt.NDArray[np.float64], zone: zoneinfo.ZoneInfo) -> Times:
    """Turn wall times into UTC: by their offset, or where it is NaN by the time zone."""
    naive = np.isnan(offset_min)
    shift = pd.to_timedelta(pd.Series(np.where(naive, 0.0, offset_min), index=wall.index), unit="min")
    utc = (wall - shift).dt.tz_localize("UTC").dt.as_unit("us")
    if not naive.any():
        return Times(utc)
    local = wall[naive]
    first = local.dt.tz_localize(zone, ambiguous=np.ones(len(local), dtype=bool), nonexistent="shift_forward")
    twice = local.dt.tz_localize(zone, ambiguous="NaT", nonexistent="shift_forward").isna()
    skipped = local.dt.tz_localize(zone, ambiguous=np.ones(len(local), dtype=bool), nonexistent="NaT").isna()
    known = first.dt.tz_convert("UTC").dt.as_unit("us").reindex(wall.index)
    return Times(utc.where(~naive, known), int(twice.sum()), int(skipped.sum()))


def _refuse(wrong: pd.Series | Mask, values: pd.Series, where: str, why: str) -> None:
    mask = np.asarray(wrong, dtype=bool)
    if mask.any():
        raise LgsidError(f"{where}: {rows_text(bad_rows(mask))}: time {str(values[mask].iloc[0])!r} {why}")


def _not_in_range(values: pd.Series) -> str:
    return f"is not in the years {FIRST_YEAR} to {LAST_YEAR}; correct it"


def _hint(texts: pd.Series) -> str:
    """Say which option reads numbers, if the first text is one."""
    if texts.empty or not re.match(EPOCH, texts.iloc[0]):
        return "; set `time_format` if it follows another one"
    numbers = pd.to_numeric(texts.iloc[:1], errors="coerce")
    unit = _likely_unit(numbers)
    return (
        f"; it looks like {unit} since 1970: set `time_unit: {unit}`"
        if unit
        else "; set `time_format`, or `time_unit` if it counts from 1970"
    )
