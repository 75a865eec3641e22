"""Read items from whatever table is at hand, for the quality card of semantic IDs that others made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import pyarrow as pa
from pyproj.exceptions import ProjError
from shapely.errors import ShapelyError

from lgsid.artefacts.columns import bad_rows, repeated_names, rows_text, to_ids, to_numbers, to_stripped_texts
from lgsid.artefacts.coordinates import check_coordinates
from lgsid.artefacts.delimited import read_delimited, read_text
from lgsid.artefacts.files import parse_json_text, read_json
from lgsid.artefacts.items import TEXT_COLUMNS, Items
from lgsid.artefacts.tables import open_parquet, read_metadata, to_frame
from lgsid.errors import LgsidError, located

PARQUET_ENDINGS = (".parquet", ".pq", ".geoparquet")
SEPARATORS = {".csv": ",", ".tsv": "\t", ".txt": "\t"}
ALIASES = {
    "item_id": ("item_id", "itemid", "id", "item", "poi_id", "poi", "place_id", "venue_id", "business_id", "gmap_id"),
    "name": ("name", "title"),
    "category": ("category", "categories", "category_name"),
    "category_group": ("category_group",),
    "brand": ("brand",),
    "lat": ("lat", "latitude"),
    "lon": ("lon", "lng", "long", "longitude"),
}


def read_items(path: str | Path) -> Items:
    """Read items from GeoParquet, Parquet, CSV or JSON, with or without coordinates.

    By the file's ending: `.parquet` (with or without a point geometry), `.csv`, `.tsv` or `.txt` (plain or `.gz`),
    `.jsonl`, or `.json`: `{id: {"title": ...}}` as LETTER's `.item.json`, or a list of records. Columns are known by
    their usual names (`title` is the name, `longitude` or `lng` the longitude); others are left out, except
    `region_1`, `region_2`, ... Coordinates that are missing are NaN.

    Raises:
        LgsidError: if the file is missing or unreadable, has no column of ids, or a coordinate is out of range.
    """
    path = Path(path)
    frame = read_frame(path)
    if twice := repeated_names(str(column).strip().lower() for column in frame.columns):
        raise LgsidError(f"{path}: column {twice[0]!r} occurs more than once; rename one of them")
    known = {str(column).strip().lower(): column for column in reversed(list(frame.columns))}
    source = {ours: known[alias] for ours, names in ALIASES.items() for alias in reversed(names) if alias in known}
    if "item_id" not in source:
        raise LgsidError(
            f"{path}: no column of item ids; name it item_id (the file has {', '.join(map(str, frame.columns))})"
        )
    if ("lat" in source) != ("lon" in source):
        have, lack = ("lat", "lon") if "lat" in source else ("lon", "lat")
        raise LgsidError(f"{path}: column {source[have]} but none for {lack}; name it {lack}, or leave both out")
    columns: dict[str, Any] = {
        name: joined_texts(frame[source[name]], f"{path}: column {source[name]}")
        for name in TEXT_COLUMNS
        if name in source and name != "item_id"
    }
    columns["item_id"] = to_ids(frame[source["item_id"]], f"{path}: column {source['item_id']}")
    columns |= {name: "" for name in TEXT_COLUMNS if name not in source}
    for name in ("lat", "lon"):
        numbers = to_numbers(frame[source[name]], f"{path}: column {source[name]}") if name in source else np.nan
        columns[name] = numbers
    columns |= {
        name: joined_texts(frame[known[name]], f"{path}: column {known[name]}") for name in known if is_region(name)
    }
    table = pd.DataFrame(columns, index=frame.index)
    check_coordinates(table["lat"].to_numpy(np.float64), table["lon"].to_numpy(np.float64), str(path))
    with located(path):
        return Items.from_frame(table)


def read_frame(path: Path) -> pd.DataFrame:
    """Read a table by the ending of its file.

    Raises:
        LgsidError: if the file is missing or unreadable, empty, or has another ending.
    """
    if not path.is_file():
        raise LgsidError(f"{path}: no such file (expected a table of items)")
    endings = [ending.lower() for ending in path.suffixes]
    ending = endings[-2] if endings[-1:] == [".gz"] and len(endings) > 1 else "".join(endings[-1:])
    if ending in PARQUET_ENDINGS:
        frame = read_parquet(path)
    elif ending == ".json":
        frame = json_frame(path, read_json(path))
    elif ending == ".jsonl":
        frame = read_records(path)
    elif ending in SEPARATORS:
        frame = read_delimited(path, (), sep=SEPARATORS[ending])
    else:
        raise LgsidError(f"{path}: not a known ending; items can be .parquet, .csv, .tsv, .json or .jsonl")
    if frame.empty:
        raise LgsidError(f"{path}: the table of items has no rows")
    return frame


def read_records(path: Path) -> pd.DataFrame:
    """Read a file of one JSON object per line."""
    lines = read_text(path).split("\n")
    records = [parse_json_text(line, f"{path}: line {at}") for at, line in enumerate(lines, start=1) if line.strip()]
    wrong = [not isinstance(record, Mapping) for record in records]
    if any(wrong):
        raise LgsidError(f"{path}: {rows_text(bad_rows(wrong))}: expected one JSON object per line")
    return pd.DataFrame(records)


def read_parquet(path: Path) -> pd.DataFrame:
    """Read a Parquet file; of a point geometry, take latitude and longitude where there are no columns for them."""
    table = open_parquet(path, (), "table of items")
    geometry = str(read_metadata(table, path, b"geo").get("primary_column", "geometry"))
    frame = to_frame(path, table.select([name for name in table.column_names if name != geometry]))
    if geometry not in table.column_names or {"lat", "latitude"} & {name.lower() for name in frame.columns}:
        return frame
    try:
        points = geopandas.read_parquet(path, columns=[geometry]).geometry
        if points.crs is None:
            raise LgsidError(f"{path}: its geometry has no coordinate reference system; write it with one (EPSG:4326)")
        points = points.to_crs("EPSG:4326")
        return frame.assign(lat=points.y.to_numpy(), lon=points.x.to_numpy())
    except (ValueError, TypeError, KeyError, pa.ArrowException, ShapelyError, ProjError) as error:
        # no GeoParquet, other geometries than points, or an unknown reference system
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise LgsidError(f"{path}: its geometry is not one of points ({reason})") from error


def json_frame(path: Path, content: Any) -> pd.DataFrame:
    """Turn `{id: record}`, `{id: name}` or a list of records into a table."""
    if isinstance(content, list) and all(isinstance(record, Mapping) for record in content):
        return pd.DataFrame(content)
    if isinstance(content, Mapping):
        records = [value if isinstance(value, Mapping) else {"name": value} for value in content.values()]
        return pd.DataFrame([{**record, "item_id": key} for key, record in zip(content, records, strict=True)])
    raise LgsidError(f'{path}: expected items as {{"id": {{"title": "..."}}}} or as a list of records')


def joined_texts(values: pd.Series, where: str) -> pd.Series:
    """Turn values into texts, lists joined by commas."""
    if values.dtype == object:
        values = values.map(lambda value: ", ".join(_words(value)) if isinstance(value, (list, np.ndarray)) else value)
    return to_stripped_texts(values, where)


def _words(value: Iterable[Any]) -> list[str]:
    return [str(word).strip() for word in value if word is not None and str(word).strip()]


def is_region(name: str) -> bool:
    """Whether a column is named as a region level."""
    return name.startswith("region_") and name[len("region_") :].isdigit()
