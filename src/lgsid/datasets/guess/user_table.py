"""A table of a user, read as it is, and what its columns are taken for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from lgsid.artefacts.columns import to_ids, to_numbers
from lgsid.artefacts.delimited import SEPARATORS, read_delimited, read_text
from lgsid.artefacts.tables import open_parquet, to_frame
from lgsid.datasets.guess.guessed_column import GuessedColumn, named
from lgsid.datasets.guess.guessed_time import GuessedTime
from lgsid.errors import LgsidError
from lgsid.plugins import suggestion

PARQUET = (".parquet", ".pq")
RANGES = {"lat": 90.0, "lon": 180.0}  # largest degrees
MOST_PLACES = 0.5  # a column names places if at least this share of its values are ids of the table of places


@dataclass(frozen=True)
class UserTable:
    """A table.

    Args:
        path: The file.
        frame: Its content, texts where the file is delimited.
        separator: What separates its values; empty for Parquet.
        given: lgsid's column -> column of the table, as the user said.
        flag: The option by which the user says so.
    """

    path: Path
    frame: pd.DataFrame
    separator: str
    given: Mapping[str, str]
    flag: str

    @classmethod
    def read(cls, path: str | Path, given: Sequence[str], flag: str, known: Sequence[str]) -> UserTable:
        """Read a table.

        Args:
            path: CSV, plain or gzip, with any usual separator, or Parquet.
            given: What the user says of its columns, `lat=northing`.
            flag: The option by which the user says so.
            known: lgsid's columns of such a table.

        Raises:
            LgsidError: if it cannot be read, or the user names a column that is not there.
        """
        path, separator = Path(path), ""
        if path.suffix in PARQUET:
            frame = to_frame(path, open_parquet(path, (), "table"))
        else:
            header = next((line for line in read_text(path).splitlines() if line.strip()), "")
            separator = max(SEPARATORS, key=header.count)
            frame = read_delimited(path, (), sep=separator)
        columns = list(map(str, frame.columns))
        said: dict[str, str] = {}
        for text in given:
            name, equals, column = text.partition("=")
            if not equals or name not in known:
                raise LgsidError(f"{flag} {text!r}: expected NAME=COLUMN; {suggestion(name, known)}")
            if column not in columns:
                raise LgsidError(f"{flag} {text}: {path} has no such column; {suggestion(column, columns)}")
            said[name] = column
        if frame.empty:
            raise LgsidError(f"{path}: has no rows")
        return cls(path, frame.set_axis(columns, axis=1), separator, said, flag)

    def candidates(self, name: str, taken: Sequence[str] = ()) -> list[GuessedColumn]:
        """Return the columns that may be one of lgsid's, the surest first; the user's word alone if there is one."""
        if name in self.given:
            return [GuessedColumn(name, self.given[name], "you said so")]
        free = [column for column in self.frame.columns if column not in (*taken, *self.given.values())]
        return list(named(name, free))

    def lacks(self, name: str, what: str) -> LgsidError:
        """Return the error that says that no column was found."""
        columns = ", ".join(self.frame.columns)
        return LgsidError(
            f"{self.path}: no column of it looks like {what} ({name}); say which with {self.flag} {name}=COLUMN; it has"
            f" {columns}"
        )

    def ids(self, column: str) -> pd.Series | None:
        """Return a column as ids, `None` if it does not hold such."""
        try:
            return to_ids(self.frame[column], column)
        except LgsidError:
            return None

    def degrees(self, name: str) -> GuessedColumn:
        """Return the column with latitudes or longitudes.

        Raises:
            LgsidError: if there is none.
        """
        for guess in self.candidates(name):
            try:
                values = to_numbers(self.frame[guess.column], guess.column)
            except LgsidError:
                continue
            if values.notna().any() and values.dropna().abs().max() <= RANGES[name]:
                return GuessedColumn(name, guess.column, f"{guess.why}, and its values are degrees")
        raise self.lacks(name, "a latitude" if name == "lat" else "a longitude")

    def place_ids(self, log: UserTable) -> tuple[GuessedColumn, GuessedColumn, float]:
        """Return the columns with the ids of the places, here and in a log, and the share of the log that names one.

        Named columns come first; else any column whose values are different, and that the log names.

        Args:
            log: The table of check-ins.

        Raises:
            LgsidError: if there are none.
        """
        own = self.candidates("item_id")
        others = [column for column in self.frame.columns if column not in [guess.column for guess in own]]
        if "item_id" not in self.given:
            own += [GuessedColumn("item_id", column, "is different for each place") for column in others]
        theirs = log.candidates("item_id")
        if "item_id" not in log.given:
            seen = [guess.column for guess in (*theirs, *log.candidates("user_id"))]
            theirs += [GuessedColumn("item_id", c, "has") for c in log.frame.columns if c not in seen]
        columns = {guess.column: values for guess in theirs if (values := log.ids(guess.column)) is not None}
        for guess in own:
            ids = self.ids(guess.column)
            if ids is None or not ids.is_unique:
                continue
            for other in theirs:
                share = float(columns[other.column].isin(ids).mean()) if other.column in columns else 0.0
                if share >= MOST_PLACES:
                    named_so = "" if other.why == "has" else f"{other.why}, and "
                    why = f"{named_so}{share:.0%} of its values are ids of places"
                    return guess, GuessedColumn("item_id", other.column, why), share
        if not self.candidates("item_id"):
            raise self.lacks("item_id", "the id of a place")
        if not log.candidates("item_id"):
            raise log.lacks("item_id", "the id of a place")
        here, there = self.candidates("item_id")[0].column, log.candidates("item_id")[0].column
        raise LgsidError(
            f"{log.path}: column {there} names few places of column {here} of {self.path}; say which columns hold the"
            f" same ids with {self.flag} item_id=COLUMN and {log.flag} item_id=COLUMN"
        )

    def times(self, taken: Sequence[str], fmt: str | None, unit: str | None) -> tuple[GuessedColumn, GuessedTime]:
        """Return the column with the times and how they are written.

        Args:
            taken: Columns that are something else.
            fmt: Their format, if the user said it.
            unit: Their unit, if the user said it.

        Raises:
            LgsidError: if there is none, or days and months cannot be told apart.
        """
        for guess in self.candidates("time", taken):
            if fmt or unit:
                offset = unit is not None or "%z" in (fmt or "")
                return guess, GuessedTime("you said how its values are written", fmt, unit, offset)
            try:
                found = GuessedTime.of(self.frame[guess.column])
            except LgsidError as error:
                raise LgsidError(f"{self.path}: column {guess.column}: {error}") from error
            if found is not None:
                return GuessedColumn("time", guess.column, f"{guess.why}, and {found.why}"), found
        raise self.lacks("time", "a time in a known form; --time-format says another")
