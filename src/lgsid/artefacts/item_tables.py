"""Read items from whatever table is at hand, for the quality card of semantic IDs that others made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd

from lgsid.artefacts.files import read_json
from lgsid.artefacts.items import TEXT_COLUMNS, Items
from lgsid.artefacts.tables import open_parquet
from lgsid.errors import LgsidError

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
LIMITS_DEG = {"lat": 90.0, "lon": 180.0}


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
    known = {str(column).strip().lower(): column for column in reversed(list(frame.columns))}
    source = {ours: known[alias] for ours, names in ALIASES.items() for alias in reversed(names) if alias in known}
    if "item_id" not in source:
        raise LgsidError(
            f"{path}: no column of item ids; name it item_id (the file has {', '.join(map(str, frame.columns))})"
        )
    columns: dict[str, Any] = {name: to_texts(frame[source[name]]) for name in TEXT_COLUMNS if name in source}
    columns |= {name: "" for name in TEXT_COLUMNS if name not in source}
    columns |= {name: to_degrees(path, name, frame, source) for name in LIMITS_DEG}
    columns |= {name: to_texts(frame[known[name]]) for name in known if is_region(name)}
    return Items.from_frame(pd.DataFrame(columns, index=frame.index))


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
    elif ending in SEPARATORS or ending == ".jsonl":
        frame = read_lines(path, ending)
    else:
        raise LgsidError(f"{path}: not a known ending; items can be .parquet, .csv, .tsv, .json or .jsonl")
    if frame.empty:
        raise LgsidError(f"{path}: the table of items has no rows")
    return frame


def read_lines(path: Path, ending: str) -> pd.DataFrame:
    """Read a file of one item per line; values of a delimited file are texts."""
    try:
        if ending == ".jsonl":
            lines = path.read_text(encoding="utf-8-sig").splitlines()
            return pd.DataFrame([json.loads(line) for line in lines if line.strip()])
        return pd.read_csv(path, sep=SEPARATORS[ending], dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (ValueError, OSError, EOFError) as error:  # pandas' parser errors and decoding errors are ValueErrors
        raise LgsidError(f"{path}: not a readable table of items ({str(error).splitlines()[0]})") from error


def read_parquet(path: Path) -> pd.DataFrame:
    """Read a Parquet file; of a point geometry, take latitude and longitude where there are no columns for them."""
    table = open_parquet(path, (), "table of items")
    frame = pd.DataFrame(table.select([n for n in table.column_names if n != "geometry"]).to_pandas())
    if "geometry" not in table.column_names or {"lat", "latitude"} & {str(c).lower() for c in frame.columns}:
        return frame
    try:
        points = geopandas.read_parquet(path).geometry
        points = points if points.crs is None else points.to_crs("EPSG:4326")
        return frame.assign(lat=points.y, lon=points.x)
    except ValueError as error:  # no GeoParquet, or other geometries than points
        raise LgsidError(f"{path}: its geometry is not one of points ({str(error).splitlines()[0]})") from error


def json_frame(path: Path, content: Any) -> pd.DataFrame:
    """Turn `{id: record}`, `{id: name}` or a list of records into a table."""
    if isinstance(content, list) and all(isinstance(record, Mapping) for record in content):
        return pd.DataFrame(content)
    if isinstance(content, Mapping):
        records = [value if isinstance(value, Mapping) else {"name": value} for value in content.values()]
        return pd.DataFrame([{**record, "item_id": key} for key, record in zip(content, records, strict=True)])
    raise LgsidError(f'{path}: expected items as {{"id": {{"title": "..."}}}} or as a list of records')


def to_texts(values: pd.Series) -> pd.Series:
    """Turn values into texts: lists joined by commas, missing ones empty, 12.0 in a column of whole numbers "12"."""
    if pd.api.types.is_float_dtype(values) and (values.dropna() % 1 == 0).all():
        values = values.astype("Int64")
    return values.map(to_text).astype(object)


def to_text(value: Any) -> str:
    """Turn one value into a text."""
    if isinstance(value, (list, tuple, np.ndarray)):
        return ", ".join(filter(None, map(to_text, value)))
    return "" if value is None or value is pd.NA or value != value else str(value).strip()


def to_degrees(path: Path, name: str, frame: pd.DataFrame, source: Mapping[str, Any]) -> pd.Series:
    """Return a coordinate in degrees, NaN where it is missing.

    Raises:
        LgsidError: if a value is no number, or out of range.
    """
    if name not in source:
        return pd.Series(np.nan, index=frame.index)
    texts = to_texts(frame[source[name]])
    degrees = pd.to_numeric(texts, errors="coerce").astype(np.float64)
    unknown = texts.str.lower().isin({"", "nan", "null", "none", "na"})
    wrong = (degrees.isna() & ~unknown) | (degrees.abs() > LIMITS_DEG[name])
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise LgsidError(
            f"{path}: column {source[name]}: data row {row + 1}: {texts.iloc[row]!r} is not a coordinate in degrees"
        )
    return degrees


def is_region(name: str) -> bool:
    """Whether a column is named as a region level."""
    return name.startswith("region_") and name[len("region_") :].isdigit()
