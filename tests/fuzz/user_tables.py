"""A table of places and a log of check-ins as users bring them, and an independent reading of both."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

PLACES = [
    ["poi", "name", "kind", "latitude", "longitude"],
    ["p0", "Cafe Roma", "Cafe", "40.7128", "-74.0060"],
    ["p1", "City Gym", "Gym", "40.7306", "-73.9866"],
    ["p2", "Blue Bar", "Bar", "40.7484", "-73.9857"],
    ["p3", "Corner, Deli", "Deli", "40.7580", "-73.9855"],
    ["p4", "Old Museum", "Museum", "40.7794", "-73.9632"],
    ["p5", "River Park", "Park", "40.8010", "-73.9719"],
    ["p6", "Zoë's", "Cafe", "40.7411", "-73.9897"],
    ["p7", "Hotel No. 9", "Hotel", "40.7527", "-73.9772"],
]
CHECK_INS = [["user", "poi", "visited_at"]] + [
    [f"u{n % 3}", f"p{n % 8}", f"2024-03-{n + 1:02d}T{8 + n % 12:02d}:15:00Z"] for n in range(20)
]
COMMAND = ("data", "prepare", "city.yaml", "--output=out")
Row = Sequence[str]


def csv_text(rows: Sequence[Row], separator: str = ",", end: str = "\n") -> str:
    """Write rows as CSV."""
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator=end).writerows(rows)
    return text.getvalue()


def with_cell(rows: Sequence[Row], row: int, column: int, value: str) -> list[list[str]]:
    """Return rows with one other value."""
    copy = [list(r) for r in rows]
    copy[row][column] = value
    return copy


def tables(
    places: str | bytes | None = None, check_ins: str | bytes | None = None, **source: Any
) -> Callable[[Path], None]:
    """Return what writes a dataset config and its two tables, those above if they are not given."""

    def make(folder: Path) -> None:
        for name, content, usual in (
            (source.get("items", "places.csv"), places, csv_text(PLACES)),
            (source.get("interactions", "checkins.csv"), check_ins, csv_text(CHECK_INS)),
        ):
            raw = usual if content is None else content
            (folder / name).write_bytes(raw.encode() if isinstance(raw, str) else raw)
        write_config(folder, {k: v for k, v in source.items() if k not in TOP}, {k: source[k] for k in TOP & {*source}})

    return make


TOP = {"regions", "brands", "k_core", "repeated", "missing_coordinates", "unknown_items", "split", "category_groups"}


def write_config(folder: Path, source: Mapping[str, Any], top: Mapping[str, Any]) -> None:
    """Write `city.yaml`; JSON is YAML."""
    usual: dict[str, Any] = {
        "root": ".",
        "items": "places.csv",
        "interactions": "checkins.csv",
        "item_columns": {"item_id": "poi", "lat": "latitude", "lon": "longitude", "category": "kind"},
        "interaction_columns": {"user_id": "user", "item_id": "poi", "time": "visited_at"},
    }
    config = {
        "name": "my_city",
        "source": {"class_path": "TableSource", "init_args": {**usual, **source}},
        "split": {"class_path": "TemporalSplit"},
        **top,
    }
    (folder / "city.yaml").write_text(json.dumps(config), encoding="utf-8")


def prepared(folder: Path) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
    """Return the places by id and the check-ins of the dataset that was written."""
    items = pq.read_table(folder / "out" / "items.parquet").drop_columns(["geometry"]).to_pylist()
    return {row["item_id"]: row for row in items}, pq.read_table(folder / "out" / "interactions.parquet").to_pylist()


def same_places(folder: Path, _: str) -> str | None:
    """Compare the prepared places with what Python's own reader finds in places.csv, in UTF-8."""
    text = (folder / "places.csv").read_bytes().decode("utf-8", errors="replace").removeprefix("\ufeff")
    header, *rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    if len({*header}) != len(header):
        return f"read, although the header {header} names a column twice"
    wrong = [number for number, row in enumerate(rows, start=1) if len(row) != len(header)]
    if wrong:
        return f"read, although data row {wrong[0]} has {len(rows[wrong[0] - 1])} values under {len(header)} names"
    found, _log = prepared(folder)
    expected = [dict(zip(header, map(str.strip, row), strict=True)) for row in rows]
    if len(found) != len(expected):
        return f"{len(found)} places of {len(expected)} rows"
    for row in expected:
        got = found.get(row["poi"])
        if got is None:
            return f"place {row['poi']!r} is not there: {sorted(found)}"
        for name, column in (("name", "name"), ("category", "kind")):
            if column in row and got[name] != row[column]:
                return f"{name} of {row['poi']!r} is {got[name]!r}, not {row[column]!r}"
        for name, column in (("lat", "latitude"), ("lon", "longitude")):
            if not math.isclose(got[name], float(row[column]), abs_tol=1e-9):
                return f"{name} of {row['poi']!r} is {got[name]}, not {row[column]}"
    return None
