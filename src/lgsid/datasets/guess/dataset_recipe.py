"""The config of a dataset, guessed from two tables."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from lgsid.artefacts.columns import to_numbers
from lgsid.artefacts.coordinates import great_circle_km, missing_coordinates, places_of_zones
from lgsid.artefacts.times import zone_of
from lgsid.datasets.guess.guessed_column import GuessedColumn, words_of
from lgsid.datasets.guess.guessed_time import GuessedTime
from lgsid.datasets.guess.user_table import UserTable
from lgsid.datasets.table_source import ITEM_COLUMNS, LOG_COLUMNS, OPTIONAL_ITEM_COLUMNS
from lgsid.errors import LgsidError

PLACE_FLAG, CHECK_IN_FLAG = "--place", "--check-in"


@dataclass(frozen=True)
class DatasetRecipe:
    """What `TableSource` has to be told of two tables, each guess with its reason.

    Args:
        places: The table of places.
        log: The table of check-ins.
        place_columns: What the columns of the places are taken for.
        log_columns: What those of the check-ins are taken for.
        time: How times are written.
        time_zone: Time zone of local hours, and of times without an offset.
        zone_why: The reason.
        drops: Keys of a dataset config and their values, for rows that cannot be used, with the reason.
    """

    places: UserTable
    log: UserTable
    place_columns: tuple[GuessedColumn, ...]
    log_columns: tuple[GuessedColumn, ...]
    time: GuessedTime
    time_zone: str
    zone_why: str
    drops: tuple[tuple[str, str, str], ...] = ()

    @classmethod
    def guessed(
        cls,
        places: str | Path,
        check_ins: str | Path,
        place: Sequence[str] = (),
        check_in: Sequence[str] = (),
        time_zone: str | None = None,
        time_format: str | None = None,
        time_unit: str | None = None,
    ) -> DatasetRecipe:
        """Look at two tables.

        Args:
            places: The table of places.
            check_ins: The table of check-ins.
            place: What the user says of the columns of the places, `lat=northing`.
            check_in: What the user says of those of the check-ins.
            time_zone: IANA time zone; that of the nearest main city if `None`.
            time_format: `strptime` format of the times, guessed if `None`.
            time_unit: Unit of times that are numbers, guessed if `None`.

        Raises:
            LgsidError: if a table cannot be read, or a column that is needed is not found.
        """
        table = UserTable.read(places, place, PLACE_FLAG, (*ITEM_COLUMNS, *OPTIONAL_ITEM_COLUMNS))
        log = UserTable.read(check_ins, check_in, CHECK_IN_FLAG, LOG_COLUMNS)
        if table.separator and log.separator and table.separator != log.separator:
            raise LgsidError(
                f"{log.path}: its values are separated by {log.separator!r}, those of {table.path} by"
                f" {table.separator!r}; write both in the same way"
            )
        lat, lon = table.degrees("lat"), table.degrees("lon")
        item, visited, share = table.place_ids(log)
        user = next(iter(log.candidates("user_id", [visited.column])), None)
        if user is None:
            raise log.lacks("user_id", "a user")
        when, time = log.times([visited.column, user.column], time_format, time_unit)
        required = (item, lat, lon)
        taken = [guess.column for guess in required]
        optional = []
        for name in OPTIONAL_ITEM_COLUMNS:
            found = next(iter(table.candidates(name, taken)), None)
            if found is not None:
                optional.append(found)
                taken.append(found.column)
        lats, lons = (to_numbers(table.frame[guess.column], guess.column).to_numpy(float) for guess in (lat, lon))
        n_without = int(missing_coordinates(lats, lons).sum())
        drops = []
        if n_without:
            drops.append(("missing_coordinates", "drop", f"{n_without:,} places have no coordinates"))
        if share < 1:
            drops.append(("unknown_items", "drop", f"{1 - share:.1%} of the check-ins are at other places"))
        zone, why = (time_zone, "you said so") if time_zone else zone_of_places(lats, lons, when, time)
        zone_of(zone)
        columns = (*required, *optional)
        return cls(table, log, columns, (user, visited, when), time, zone, why, tuple(drops))

    def lines(self) -> Iterator[tuple[str, str, str]]:
        """Yield what was found: lgsid's column, the column of the table, the reason; tables before their columns."""
        for table, columns, what in (
            (self.places, self.place_columns, "places"),
            (self.log, self.log_columns, "check-ins"),
        ):
            yield str(table.path), f"{len(table.frame):,} {what}", ""
            for guess in columns:
                yield f"  {guess.name}", guess.column, guess.why
        yield "  time zone", self.time_zone, self.zone_why
        for key, value, why in self.drops:
            yield f"  {key}", value, why

    def config(self, name: str, folder: Path) -> str:
        """Return the text of the dataset config.

        Args:
            name: Name of the dataset.
            folder: Folder where the config will lie, from which it names the tables.
        """
        source: list[str] = [
            f"    items: {scalar(beside(self.places.path, folder))}",
            f"    interactions: {scalar(beside(self.log.path, folder))}",
            "    item_columns:",
            *(f"      {guess.name}: {scalar(guess.column)} # {guess.why}" for guess in self.place_columns),
            "    interaction_columns:",
            *(f"      {guess.name}: {scalar(guess.column)} # {guess.why}" for guess in self.log_columns),
            f"    time_zone: {scalar(self.time_zone)} # {self.zone_why}",
        ]
        options = {
            "time_format": self.time.time_format,
            "time_unit": self.time.time_unit,
            "separator": (self.places.separator or self.log.separator or ",").replace(",", ""),
        }
        source += [f"    {key}: {scalar(value)}" for key, value in options.items() if value]
        return "\n".join(
            [
                "# Written by `lgsid init`: which column is taken for what, and why. Edit it where a guess is wrong.",
                "# `lgsid data describe THIS_FILE` shows what was read, dropped and why.",
                f"name: {scalar(name)}",
                "source:",
                "  class_path: TableSource",
                "  init_args:",
                *source,
                "split:",
                "  class_path: TemporalSplit # or LeaveOneOutSplit",
                *(f"{key}: {value} # {why}" for key, value, why in self.drops),
                "brands:",
                "  min_branches: 3",
                "",
            ]
        )


def zone_of_places(lat: Any, lon: Any, when: GuessedColumn, time: GuessedTime) -> tuple[str, str]:
    """Return a time zone for the places and the reason: that of the nearest main city, unless times say to be in UTC.

    Args:
        lat: Latitudes in degrees, shape (N,).
        lon: Longitudes in degrees, shape (N,).
        when: The column with the times.
        time: How they are written.
    """
    if not time.has_offset and {"utc", "gmt"} & set(words_of(when.column)):
        return "UTC", f"times have no offset, and column {when.column} says UTC; local hours are those of UTC then"
    zones = places_of_zones()
    cities = np.array(list(zones.values()))
    nearest = list(zones)[
        int(great_circle_km(cities[:, 0], cities[:, 1], np.nanmedian(lat), np.nanmedian(lon)).argmin())
    ]
    meant = "of local hours" if time.has_offset else "of local hours, and of the times, which have no offset"
    return nearest, f"its main city is the nearest; {meant}"


def beside(path: Path, folder: Path) -> str:
    """Return the path of a table from the folder of the config."""
    return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()


def scalar(value: str) -> str:
    """Write a text as YAML, in quotes where it needs them."""
    return yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10**6).removesuffix("...\n").strip()
