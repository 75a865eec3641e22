"""Times are read as the instants that they name, against datetime; what names none is one clear line."""

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lgsid.artefacts.times import read_times, to_times
from lgsid.errors import LgsidError

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
YEARS = {"min_value": datetime(1901, 1, 1), "max_value": datetime(2199, 12, 30)}
OFFSETS = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))
INSTANT_US = (datetime(2024, 5, 1, 8, tzinfo=timezone.utc) - EPOCH) // timedelta(microseconds=1)


def microseconds(times):
    return pd.Series(times).dt.tz_convert("UTC").dt.tz_localize(None).to_numpy("datetime64[us]").astype(int).tolist()


def since_epoch(moment):
    return (moment.astimezone(timezone.utc) - EPOCH) // timedelta(microseconds=1)


def with_offset(moment, form):
    minutes = moment.utcoffset() // timedelta(minutes=1)
    sign = "-" if minutes < 0 else "+"
    digits = f"{sign}{abs(minutes) // 60:02d}", f"{abs(minutes) % 60:02d}"
    text = moment.replace(tzinfo=None).isoformat(form[0])
    return text + {"colon": ":".join(digits), "basic": "".join(digits), "space": " " + "".join(digits)}[form[1]]


@settings(max_examples=80, deadline=None)
@given(
    moments=st.lists(st.datetimes(**YEARS, timezones=OFFSETS), min_size=1, max_size=8),
    form=st.tuples(st.sampled_from("T "), st.sampled_from(["colon", "basic", "space"])),
    space=st.sampled_from(["", " ", "\t"]),
)
def test_every_time_with_an_offset_is_the_instant_of_datetime(moments, form, space):
    texts = [with_offset(moment, form) + space for moment in moments]
    assert microseconds(to_times(pd.Series(texts), "x")) == [since_epoch(moment) for moment in moments]
    assert [since_epoch(datetime.fromisoformat(moment.isoformat())) for moment in moments] == microseconds(
        to_times(pd.Series([moment.isoformat() for moment in moments]), "x")
    )


@settings(max_examples=60, deadline=None)
@given(
    walls=st.lists(
        st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2037, 1, 1)), min_size=1, max_size=8
    ),
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC"]),
)
def test_local_times_are_those_of_zoneinfo(walls, zone):
    aware = [wall.replace(tzinfo=ZoneInfo(zone), fold=0) for wall in walls]
    assume(
        all(
            a.astimezone(timezone.utc).astimezone(ZoneInfo(zone)).replace(tzinfo=None) == w
            for a, w in zip(aware, walls, strict=True)
        )
    )
    expected = [since_epoch(moment) for moment in aware]
    assert microseconds(read_times(pd.Series([str(wall) for wall in walls]), "x", zone=zone).utc) == expected
    stamps = pd.Series(pd.to_datetime(walls)).dt.as_unit("us")
    assert microseconds(read_times(stamps, "x", zone=zone).utc) == expected


@settings(max_examples=60, deadline=None)
@given(
    moments=st.lists(
        st.datetimes(min_value=datetime(1981, 1, 1), max_value=datetime(2099, 1, 1), timezones=st.just(timezone.utc)),
        min_size=1,
        max_size=8,
    ),
    unit=st.sampled_from(["s", "ms", "us", "ns"]),
    text=st.booleans(),
)
def test_numbers_since_1970(moments, unit, text):
    length_ns = {"s": 10**9, "ms": 10**6, "us": 1000, "ns": 1}[unit]
    counts = [since_epoch(moment) * 1000 // length_ns for moment in moments]
    values = pd.Series([str(count) for count in counts] if text else counts)
    found = np.array(microseconds(to_times(values, "x", unit=unit)))
    assert np.abs(found - [count * length_ns // 1000 for count in counts]).max() <= (1 if unit == "ns" else 0)


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("2024-05-01 10:00:00+02", {}),
        ("2024-05-01 08:00:00Z ", {}),
        ("2024-05-01T08:00:00z", {}),
        ("2024-05-01 08:00 UTC", {}),
        ("20240501T080000Z", {}),
        ("20240501T080000.000000+0000", {}),
        ("20240501T1000+02", {}),
        ("2024-05-01T03:00:00,000-0500", {}),
        ("2024-05-01T08:00:00Z", {"fmt": "%Y-%m-%dT%H:%M:%SZ", "zone": "America/New_York"}),
        ("2024-05-01T08:00:00Z ", {"fmt": "%Y-%m-%dT%H:%M:%SZ", "zone": "America/New_York"}),
        ("01.05.2024 08:00 UTC", {"fmt": "%d.%m.%Y %H:%M UTC", "zone": "America/New_York"}),
        ("Wed May 01 10:00:00 +0200 2024", {"fmt": "%a %b %d %H:%M:%S +0200 %Y"}),
        ("Wed May 01 10:00:00 +0200 2024", {"fmt": "%a %b %d %H:%M:%S %z %Y", "zone": "Asia/Tokyo"}),
        ("2024-05-01 04:00", {"fmt": "%Y-%m-%d %H:%M", "zone": "America/New_York"}),
        (" 2024-05-01 04:00 ", {"zone": "America/New_York"}),
    ],
)
def test_one_instant_in_many_forms(text, options):
    assert microseconds(read_times(pd.Series([text]), "x", **options).utc) == [INSTANT_US]


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        (["now"], {}, "time 'now' does not follow ISO 8601"),
        (["today"], {"fmt": "%Y-%m-%d"}, "time 'today' does not follow the format %Y-%m-%d"),
        (["NOW "], {"fmt": "%Y-%m-%d"}, "does not follow the format"),
        (["2024-05-01T10:00:00Z", ""], {}, "data row 2: time '' does not follow"),
        (["2024-05-01T10:00:00Z", None], {}, "data row 2"),
        (["1714550400"], {}, "it looks like s since 1970: set `time_unit: s`"),
        ([1714550400], {}, "it looks like s since 1970: set `time_unit: s`"),
        ([1714550400.5], {}, "it looks like s since 1970: set `time_unit: s`"),
        (["1714550400000"], {}, "it looks like ms since 1970: set `time_unit: ms`"),
        (["20240501"], {}, "set `time_format`, or `time_unit` if it counts from 1970"),
        ([1714550400000], {"unit": "s"}, "it looks like ms: set `time_unit: ms`"),
        ([1714550400], {"unit": "ms"}, "it looks like s: set `time_unit: s`"),
        ([1714550400000, 1714550400], {"unit": "ms"}, "data row 2: time '1714550400' .* it looks like s"),
        ([np.inf], {"unit": "s"}, "is not in the years 1900 to 2199"),
        (["soon"], {"unit": "s"}, "'soon' is not a number"),
        ([True], {"unit": "s"}, "are not numbers"),
        (["2024-05-01"], {"unit": "weeks"}, "time unit 'weeks' is unknown"),
        (["0001-01-01T00:00:00Z"], {}, "is not in the years 1900 to 2199"),
        (["1666-09-02 10:00"], {}, "is not in the years 1900 to 2199"),
        (["9999-12-31"], {}, "is not in the years 1900 to 2199"),
        (["01/02/9999"], {"fmt": "%d/%m/%Y"}, "is not in the years|does not follow"),
        (["2024-02-30"], {}, "does not exist on a clock or in the calendar"),
        (["2024-05-01T25:00:00Z"], {}, "does not exist"),
        (["2024-05-01T10:00:60Z"], {}, "does not exist"),
        (["2024-05-01T10:00:00+99:00"], {}, "does not follow ISO 8601"),
        (["2024-05-01T10:00:00 CEST"], {}, "does not follow ISO 8601"),
        (["2024-W18-3"], {}, "does not follow ISO 8601"),
        (["٢٠٢٤-05-01"], {}, "does not follow ISO 8601"),
        (["10:00"], {"fmt": "%H:%M"}, "has no year or no day"),
        (["2024-05-01 EST"], {"fmt": "%Y-%m-%d %Z"}, "names of zones .* are ambiguous"),
        (["x"], {"fmt": "mixed"}, "is not one of strptime's"),
        (["x"], {"fmt": "%Y %Y %d"}, "is not one of strptime's"),
        (["x"], {"fmt": "%Y%d%"}, "is not one of strptime's"),
        (["2024-05-01"], {"zone": "Mars/Olympus"}, "time zone 'Mars/Olympus' is unknown"),
        (["2024-05-01"], {"zone": "Europe"}, "time zone 'Europe' is unknown"),
        (["2024-05-01"], {"zone": "/etc/passwd"}, "is unknown"),
        (["2024-05-01"], {"zone": "x" * 5000}, "is unknown"),
        ([pd.Timestamp.min], {"zone": "America/New_York"}, "is not in the years"),
        ([pd.Timestamp.max], {"zone": "Asia/Tokyo"}, "is not in the years"),
        ([pd.Timestamp("2024-05-01"), pd.NaT], {}, "data row 2: time 'NaT' is missing"),
        ([pd.Timestamp("2024-05-01")], {"unit": "s"}, "leave `time_unit` out"),
    ],
)
def test_what_is_no_time_is_one_clear_line(values, options, message):
    with pytest.raises(LgsidError, match=message) as caught:
        read_times(pd.Series(values), "log.csv: column time", **options)
    assert "\n" not in str(caught.value)


def test_offsets_may_differ_from_row_to_row():
    texts = pd.Series(["2024-05-01T10:00:00+02:00", "2024-05-01T08:00:00Z", "2024-05-01T17:00:00"])
    assert microseconds(read_times(texts, "x", zone="Asia/Tokyo").utc) == [INSTANT_US] * 3


def test_hours_that_a_clock_shows_twice_or_skips_are_counted():
    texts = pd.Series(["2024-10-27 02:30", "2024-03-31 02:30", "2024-06-01 12:00", "2024-10-27 02:30+01:00"])
    times = read_times(texts, "x", zone="Europe/Berlin")
    assert (times.n_twice, times.n_skipped) == (1, 1)
    shown = times.utc.dt.strftime("%Y-%m-%d %H:%M").tolist()
    assert shown == ["2024-10-27 00:30", "2024-03-31 01:00", "2024-06-01 10:00", "2024-10-27 01:30"]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_timestamps_of_every_unit_and_zone(unit):
    stamps = pd.Series(pd.to_datetime(["2024-05-01 10:00"])).dt.as_unit(unit)
    assert microseconds(read_times(stamps, "x", zone="Europe/Berlin").utc) == [INSTANT_US]
    assert microseconds(to_times(stamps.dt.tz_localize("Europe/Berlin"), "x")) == [INSTANT_US]
