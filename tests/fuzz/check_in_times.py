"""Times of check-ins: to instants and local hours by rules that are spelt out here, or refused."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from fuzz.case import Case, Check
from fuzz.mutations import changed_bytes
from fuzz.user_tables import CHECK_INS, COMMAND, csv_text, prepared, tables

PROBE = "u-probe"
NO_TIME = (
    "now", "today", "yesterday", "tomorrow", "noon", "NaT", "nat", "nan", "", " ", "0", "1", "12", "1709280000",
    "1709280000000", "1709280000.5", "20240399", "2024-02-30", "2024-13-01", "2023-02-29T10:00:00", "2024-03-01T24:30:00",
    "2024-03-01T10:60:00", "2024-03-01T10:00:61", "03/01/2024", "01.03.2024", "1 March 2024", "March 1, 2024 10:00 AM",
    "Fri Mar  1 10:00:00 2024", "Tue Apr 03 18:00:09 +0000 2012", "2024-03-01T10:00:00+99:00", "2024-03-01T10:00:00+24:01",
    "2024-03-01T10:00:00+2", "2024-03-01T10:00:00+02:99", "2024-03-01 10:00:00 EST", "2024-03-01 10:00:00 Europe/Berlin",
    "2024-03-01T10:00:00[Europe/Berlin]", "2024-W09-5", "2024-061", "2024-03-01T10:00:00ZZ", "T10:00:00", "10:00", "P1D",
    "-2024-03-01", "+2024-03-01", "0000-01-01", "0001-01-01", "1066-10-14", "9999-12-31", "99999-01-01", "2999-01-01",
    "12024-03-01T10:00:00Z", "2024-03-01T10:00:00Z;", "2024-03-01T10:00:00Z\x00", "２０２４-03-01", "2024–03–01", "2024_03_01",
    "[2024-03-01]", "{}", "null", "None", "inf", "-inf", "1e9", "45352", "45352.4", "True", "x", "'2024-03-01", "=NOW()",
    "2024-03-01T10:00:00+02:00+02:00", "2024-03-01T10:00:00 + 02", "2024-03-01T", "2024-03-01T1", "2024-3", "2024-03-01Z10",
)  # fmt: skip
FORMATS = (
    "",
    "%",
    "%Q",
    "%Y",
    "%H:%M",
    "%d/%m/%Y",
    "x",
    "%Y-%m-%d",
    "%%",
    "%z",
    "%Y-%m-%dT%H:%M",
    "%s",
    "{}",
    "%Y%Y",
    "\x00",
)
UNITS = ("us", "ns", "D", "h", "S", "seconds", "", "Y", "m", 1, "milliseconds")
ZONES = (
    "",
    "Mars/Phobos",
    "EST5",
    "UTC+2",
    "../UTC",
    "/etc/localtime",
    "Europe",
    "europe/berlin ",
    "\x00",
    "a" * 300,
    "..",
)


def cases(rng: Random) -> Iterator[Case]:
    """Yield the cases: those that are spelt out, then instants in random spellings and damaged ones, without an end."""
    for number, text in enumerate(NO_TIME):
        yield Case(f"no-time-{number}", COMMAND, probed(text), names=("checkins.csv",))
    yield from spelt_out()
    yield from numbers()
    yield from settings()
    number = 0
    while True:
        instant = datetime(1971, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=rng.randrange(58 * 365 * 86400))
        if number % 3:
            text, expected, zone = spelling(instant, rng)
            make = probed(text, time_zone=zone)
            yield Case(f"spelling-{number}", COMMAND, make, "read", at(expected, zone))
        else:
            text, expected, _ = spelling(instant, rng, "UTC")
            damaged = changed_bytes(text.encode(), rng).decode("utf-8", errors="replace")
            yield Case(f"damaged-{number}", COMMAND, probed(damaged), "either", by_own_rules(damaged))
        number += 1


def probed(text: str, **source: object) -> Callable[[Path], None]:
    """Return what writes the usual tables with one more check-in, of the user `PROBE`, at a time that is given."""
    return tables(check_ins=csv_text([*CHECK_INS, [PROBE, "p0", text]]), **source)


def at(instant: datetime, zone: str = "UTC") -> Check:
    """Return what compares the time, hour and weekday of the probe with an instant in UTC."""

    def check(folder: Path, _: str) -> str | None:
        found = [row for row in prepared(folder)[1] if row["user_id"] == PROBE]
        if len(found) != 1:
            return f"{len(found)} check-ins of the probe"
        time, local = found[0]["time"], instant.astimezone(ZoneInfo(zone))
        time = time if time.tzinfo else time.replace(tzinfo=timezone.utc)
        got, wanted = (time, found[0]["hour"], found[0]["weekday"]), (instant, local.hour, local.weekday())
        return None if got == wanted else f"read as {got}, not {wanted}"

    return check


def by_own_rules(text: str) -> Check:
    """Return what reads a damaged time with Python's own ISO 8601 reader, and compares."""

    def check(folder: Path, printed: str) -> str | None:
        try:
            own = datetime.fromisoformat(text.strip())
        except ValueError as error:
            return f"{text!r} was read, although Python says {error}"
        return at(own if own.tzinfo else own.replace(tzinfo=timezone.utc))(folder, printed)

    return check


def utc(*parts: int) -> datetime:
    """Return an instant in UTC."""
    return datetime(*parts, tzinfo=timezone.utc)  # type: ignore[misc,arg-type]


def spelt_out() -> Iterator[Case]:
    """Yield spellings of ISO 8601 whose meaning is known, around clock changes too."""
    noon = utc(2024, 5, 1, 8)
    for number, text in enumerate(
        (
            "2024-05-01 10:00:00+02", "2024-05-01T10:00:00+02", "2024-05-01T10:00:00+02:00", "2024-05-01T10:00:00+0200",
            "2024-05-01 08:00:00Z", "2024-05-01 08:00Z", "2024-05-01T08:00:00.000Z", "2024-05-01T03:30:00-04:30",
            "2024-05-01T08:00:00+00:00", "2024-05-01T08:00:00-00:00", "2024-05-01T08:00",
            "2024-05-01 08:00:00", "2024-05-01T13:45:00+05:45", "20240501T080000Z", "2024-05-01T08:00:00.000000",
        )
    ):  # fmt: skip
        yield Case(f"iso-{number}", COMMAND, probed(text), "read", at(noon))
    for number, text in enumerate(("2024-05-01 08:00:00 Z", "2024-05-01 10:00:00 +02", "2024-05-01 10:00:00 +02:00")):
        yield Case(f"iso-spaced-{number}", COMMAND, probed(text), "either", at(noon))
    for zone, text, expected in (
        ("Europe/Berlin", "2024-05-01 10:00:00", noon),
        ("Europe/Berlin", "2024-10-27 02:30:00", utc(2024, 10, 27, 0, 30)),  # shown twice: the first
        ("Europe/Berlin", "2024-10-27 02:30:00+01:00", utc(2024, 10, 27, 1, 30)),
        ("America/New_York", "2024-05-01T04:00:00", noon),
        ("Asia/Kathmandu", "2024-05-01T13:45:00", noon),
        ("Pacific/Kiritimati", "2024-05-01T22:00:00", noon),
        ("America/New_York", "2024-05-01T08:00:00Z", noon),
        ("Asia/Kolkata", "2024-05-01T08:00:00+00", noon),
    ):
        yield Case(f"zone-{zone}-{text}", COMMAND, probed(text, time_zone=zone), "read", at(expected, zone))


def numbers() -> Iterator[Case]:
    """Yield seconds and milliseconds since 1970."""
    base = utc(2024, 3, 1, 8, 15)
    for unit, factor in (("s", 1), ("ms", 1000)):
        rows = [[u, p, str(int(datetime.fromisoformat(t).timestamp()) * factor)] for u, p, t in CHECK_INS[1:]]
        for text, expected in (
            (str(int(base.timestamp()) * factor), base),
            (f"{int(base.timestamp()) * factor}.0", base),
            (str(2**31 * factor), datetime.fromtimestamp(2**31, timezone.utc)),
        ):
            log = csv_text([CHECK_INS[0], *rows, [PROBE, "p0", text]])
            yield Case(f"{unit}-{text}", COMMAND, tables(check_ins=log, time_unit=unit), "read", at(expected))
        for text in (
            "",
            "x",
            "nan",
            "inf",
            "1e300",
            "-1e18",
            "2024-03-01",
            "9" * 30,
            "now",
            str(10**18),
            str(-(10**13)),
        ):
            log = csv_text([CHECK_INS[0], *rows, [PROBE, "p0", text]])
            make = tables(check_ins=log, time_unit=unit)
            yield Case(f"{unit}-{text or 'empty'}", COMMAND, make, names=("checkins.csv",))
        log = csv_text([CHECK_INS[0], *rows])
        yield Case(f"{unit}-without-unit", COMMAND, tables(check_ins=log), names=("time_unit",))
        other = "ms" if unit == "s" else "s"
        yield Case(f"{unit}-as-{other}", COMMAND, tables(check_ins=log, time_unit=other), names=("checkins.csv",))


def settings() -> Iterator[Case]:
    """Yield formats, units and zones that are none, and formats that hold a literal Z or an offset."""
    for text in FORMATS:
        yield Case(f"format-{text!r}", COMMAND, probed(CHECK_INS[1][2], time_format=text))
    for unit in UNITS:
        yield Case(f"unit-{unit!r}", COMMAND, probed("1", time_unit=unit), names=("time_unit",))
    for zone in ZONES:
        yield Case(f"zone-{zone[:20]!r}", COMMAND, probed(CHECK_INS[1][2], time_zone=zone), names=("zone",))
    wall = [[u, p, t.replace("T", " ").rstrip("Z")] for u, p, t in CHECK_INS[1:]]
    for name, suffix, fmt, expected in (
        ("literal-Z", " Z", "%Y-%m-%d %H:%M:%S Z", None),  # a literal Z means nothing to strptime, and UTC to a reader
        ("literal-Z-tight", "Z", "%Y-%m-%d %H:%M:%SZ", None),
        ("offset", " +0200", "%Y-%m-%d %H:%M:%S %z", utc(2024, 5, 1, 8)),
        ("naive", "", "%Y-%m-%d %H:%M:%S", utc(2024, 5, 1, 8)),
    ):
        rows = [[u, p, t + suffix] for u, p, t in [*wall, [PROBE, "p0", "2024-05-01 10:00:00"]]]
        make = tables(check_ins=csv_text([CHECK_INS[0], *rows]), time_format=fmt, time_zone="Europe/Berlin")
        z_is_utc = at(utc(2024, 5, 1, 10), "Europe/Berlin")
        check = z_is_utc if expected is None else at(expected, "Europe/Berlin")
        yield Case(f"format-{name}", COMMAND, make, "either" if expected is None else "read", check)
    reversed_times = csv_text([CHECK_INS[0], *CHECK_INS[:0:-1]])
    yield Case("not-in-order", COMMAND, tables(check_ins=reversed_times), "read", all_there)
    same = csv_text([CHECK_INS[0], *([u, p, CHECK_INS[1][2]] for u, p, _ in CHECK_INS[1:])])
    yield Case("all-at-once", COMMAND, tables(check_ins=same), "either")


def all_there(folder: Path, _: str) -> str | None:
    """Compare all check-ins with the usual ones."""
    got = sorted((r["user_id"], r["item_id"], r["time"].replace(tzinfo=timezone.utc)) for r in prepared(folder)[1])
    wanted = sorted((u, p, datetime.fromisoformat(t)) for u, p, t in CHECK_INS[1:])
    return None if got == wanted else f"{len(got)} check-ins, not the {len(wanted)} of the file"


def spelling(instant: datetime, rng: Random, zone: str | None = None) -> tuple[str, datetime, str]:
    """Return an instant as text, the instant that the text says, and the time zone to read it in."""
    zone = zone or rng.choice(("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"))
    digits = rng.choice((0, 0, 0, 3, 6))
    instant = instant.replace(microsecond=0 if digits == 0 else rng.randrange(10**digits) * 10 ** (6 - digits))
    kind = rng.randrange(4)
    minutes = rng.choice((0, 60, 120, -300, 330, 345, -570, 840, -720))
    if kind == 0 and is_plain_wall(instant, zone):  # a wall time of the zone
        local, suffix = instant.astimezone(ZoneInfo(zone)), ""
    elif kind == 1:
        local, suffix = instant, rng.choice(("Z", "+00:00", "+0000", "+00"))
    else:
        local = instant.astimezone(timezone(timedelta(minutes=minutes)))
        hours, rest = divmod(abs(minutes), 60)
        sign = "-" if minutes < 0 else "+"
        suffix = f"{sign}{hours:02d}" + (f"{rng.choice((':', ''))}{rest:02d}" if rest or rng.random() < 0.6 else "")
    text = local.strftime(f"%Y-%m-%d{rng.choice('T ')}%H:%M:%S")
    fraction = f".{local.microsecond:06d}"[: digits + 1] if digits else ""
    return text + fraction + suffix, instant, zone


def is_plain_wall(instant: datetime, zone: str) -> bool:
    """Tell whether a zone's clock shows an instant's wall time once only."""
    wall = instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)
    seconds = calendar.timegm(wall.timetuple())
    both = {wall.replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp() for fold in (0, 1)}
    return len(both) == 1 and abs(seconds - instant.timestamp()) < 86400
