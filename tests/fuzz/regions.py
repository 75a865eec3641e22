"""Polygons of regions: their labels, their geometry, the file they come in."""

from __future__ import annotations

import copy
import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from fuzz.case import Case
from fuzz.mutations import changed_bytes, changed_tree
from fuzz.user_tables import COMMAND, PLACES, prepared, tables

SQUARES = {  # label -> west, south, east, north; every place lies in exactly one
    "South": (-74.1, 40.6, -73.9, 40.735),
    "Middle": (-74.1, 40.735, -73.9, 40.757),
    "North": (-74.1, 40.757, -73.9, 40.9),
}


def feature(label: Any, box: tuple[float, float, float, float]) -> dict[str, Any]:
    """Return a square as GeoJSON."""
    west, south, east, north = box
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Feature", "properties": {"name": label}, "geometry": {"type": "Polygon", "coordinates": [ring]}}


AREAS: dict[str, Any] = {
    "type": "FeatureCollection",
    "features": [feature(label, box) for label, box in SQUARES.items()],
}


def cases(rng: Random) -> Iterator[Case]:
    """Yield the cases: those that are spelt out, then changed files without an end."""
    yield Case("good", COMMAND, areas(AREAS), "read", as_drawn)
    yield from of_files()
    yield from of_layers()
    yield from of_shapes()
    number = 0
    while True:
        if number % 2:
            text = changed_bytes(json.dumps(AREAS).encode(), rng)
            yield Case(f"bytes-{number}", COMMAND, areas(text), "either", as_drawn)
        else:
            tree, what = changed_tree(AREAS, rng)
            yield Case(f"tree-{number}-{what[:60]}", COMMAND, areas(tree), "either", as_drawn)
        number += 1


def areas(content: Any, name: str = "areas.geojson", **layer: Any) -> Callable[[Path], None]:
    """Return what writes the usual tables, and polygons from bytes or as JSON, with a config that joins them."""

    def make(folder: Path) -> None:
        options = {"path": name, "label": "name", "max_distance_m": 0, **layer}
        tables(regions=[{"name": "quarter", "layers": [options]}])(folder)
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        (folder / name).write_bytes(raw)

    return make


def as_drawn(folder: Path, _: str) -> str | None:
    """Compare the regions with the first polygon of the file that contains a place, by the even-odd rule."""
    found = prepared(folder)[0]
    try:
        collection = json.loads((folder / "areas.geojson").read_bytes())
        features = collection.get("features", [collection])
        drawn = [(one["properties"]["name"], rings_of(one["geometry"])) for one in features if one.get("geometry")]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        return f"read, although {type(error).__name__}: {error}"
    for identity, *_, lat, lon in PLACES[1:]:
        inside = [label for label, rings in drawn if contains(rings, float(lon), float(lat))]
        expected = str(inside[0] if inside and inside[0] is not None else "").strip()
        if found[identity]["region_1"] != expected:
            return f"{identity} is in {found[identity]['region_1']!r}, not in {expected!r}"
    return None


def rings_of(geometry: dict[str, Any]) -> list[list[list[float]]]:
    """Return all rings of a polygon or of several."""
    parts = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
    return [ring for part in parts for ring in part]


def contains(rings: list[list[list[float]]], x: float, y: float) -> bool:
    """Tell by the even-odd rule whether a point is inside rings."""
    inside = False
    for ring in rings:
        for (x0, y0, *_), (x1, y1, *_) in zip(ring, [*ring[1:], ring[0]], strict=True):
            if (y0 > y) != (y1 > y) and x < (x1 - x0) * (y - y0) / (y1 - y0) + x0:
                inside = not inside
    return inside


def of_files() -> Iterator[Case]:
    """Yield files that hold no polygons."""
    names = ("areas.geojson", "quarter")
    for number, raw in enumerate(
        (
            b"", b" ", b"null", b"[]", b"{}", b"1", b"x", b"{", b"<html></html>", b"\xff\xfe", b"PAR1", b"\x00" * 100, b"[" * 100000,
            b'{"type": "FeatureCollection"}', b'{"type": "FeatureCollection", "features": []}', b'{"type": "FeatureCollection", "features": null}',
            b'{"type": "FeatureCollection", "features": [1]}', b'{"type": "Topology"}', b'{"type": "Feature"}', json.dumps(AREAS)[:200].encode(),
            json.dumps(AREAS).encode("utf-16"), b"version https://git-lfs.github.com/spec/v1\n",
        )
    ):  # fmt: skip
        yield Case(f"file-{number}", COMMAND, areas(raw), names=names)
    packed = gzip.compress(json.dumps(AREAS).encode(), mtime=0)
    for cut in (3, 20, len(packed) // 2, len(packed) - 1):
        yield Case(f"gzip-cut-{cut}", COMMAND, areas(packed[:cut], "areas.geojson.gz"), names=("areas.geojson.gz",))
    for ending in ("shp", "gpkg", "parquet", "zip", "kml", "csv", "txt", "geojson.gz", "fgb", "tif", ""):
        name = f"areas.{ending}"
        yield Case(f"ending-{ending}", COMMAND, areas(b"nonsense", name), names=(name,))
    usual = {"path": "areas.geojson", "label": "name", "max_distance_m": 0}
    for number, path in enumerate(
        (
            "nowhere.geojson",
            "",
            "/",
            "/dev/null",
            "\x00",
            "a" * 300,
            "areas.geojson!x",
            "x.zip!y",
            "http://x/y.geojson",
            "/vsicurl/http://x",
            "..",
        )
    ):
        yield Case(
            f"path-{number}",
            COMMAND,
            areas(AREAS, **{**usual, "path": path}),
            names=("quarter", "region", "path", "areas", path or "."),
        )


def of_layers() -> Iterator[Case]:
    """Yield settings of layers that cannot be."""
    for key, values in {
        "label": ("nowhere", "", "{nowhere}", "{", None, 7, [], "{name", "\x00"),
        "max_distance_m": ("far", -1, float("nan"), float("inf"), None, []),
        "remove": ("(", "[", "*", 7, "(?P<x"),
        "rename": ("x", [], 7, {"South": None}, {"South": []}),
        "encoding": ("nonsense", 7, []),
        "parent": ("nowhere", 7, []),
        "nonsense": (1,),
    }.items():
        for number, value in enumerate(values):
            expect = "either" if (key, value) in (("label", "{"), ("label", "{name")) else "refused"
            yield Case(f"layer-{key}-{number}", COMMAND, areas(AREAS, **{key: value}), expect)
    for number, value in enumerate(
        (
            7,
            "x",
            {},
            [{}],
            [{"name": "q"}],
            [{"name": "q", "layers": []}],
            [{"name": "q", "layers": 7}],
            [None],
            [{"layers": [{"path": "areas.geojson"}]}],
            [{"name": "q", "layers": [{"path": "areas.geojson", "x": 1}]}],
        )
    ):
        yield Case(f"regions-{number}", COMMAND, tables(regions=value))
    cathastrophic = areas(
        {**AREAS, "features": [feature("a" * 40 + "!", box) for box in SQUARES.values()]}, remove="(a+)+$"
    )
    yield Case("layer-remove-slow", COMMAND, cathastrophic, "either")


def of_shapes() -> Iterator[Case]:
    """Yield geometry that is no polygon, lies elsewhere, or has other names."""
    names = ("areas.geojson", "quarter")

    def with_shape(geometry: Any) -> dict[str, Any]:
        made = copy.deepcopy(AREAS)
        for one in made["features"]:
            one["geometry"] = geometry
        return made

    for name, geometry in {
        "null": None,
        "point": {"type": "Point", "coordinates": [-74, 40.7]},
        "line": {"type": "LineString", "coordinates": [[-74.1, 40.6], [-73.9, 40.9]]},
        "empty": {"type": "Polygon", "coordinates": []},
        "empty-ring": {"type": "Polygon", "coordinates": [[]]},
        "two-corners": {"type": "Polygon", "coordinates": [[[-74, 40.7], [-74, 40.8]]]},
        "texts": {"type": "Polygon", "coordinates": [[["a", "b"], ["c", "d"], ["e", "f"], ["a", "b"]]]},
        "nulls": {"type": "Polygon", "coordinates": [[[None, None]] * 4]},
        "huge": {
            "type": "Polygon",
            "coordinates": [[[1e308, 1e308], [-1e308, 1e308], [1e308, -1e308], [1e308, 1e308]]],
        },
        "unknown": {"type": "Blob", "coordinates": []},
        "collection": {"type": "GeometryCollection", "geometries": []},
    }.items():
        yield Case(f"shape-{name}", COMMAND, areas(with_shape(geometry)), names=names)
    swapped = {
        "type": "FeatureCollection",
        "features": [feature(k, (s, w, n, e)) for k, (w, s, e, n) in SQUARES.items()],
    }
    yield Case("shape-swapped", COMMAND, areas(swapped), names=names)
    far = {"type": "FeatureCollection", "features": [feature("far", (10, 50, 11, 51))]}
    yield Case("shape-far", COMMAND, areas(far), names=names)
    metric = {**{"type": "FeatureCollection", "features": [feature("m", (580000, 4490000, 590000, 4530000))]}}
    yield Case("shape-meters", COMMAND, areas(metric), names=names)
    for number, label in enumerate(
        (
            None,
            7,
            1.5,
            True,
            "",
            " ",
            "\x1b[31mred",
            "<b>",
            "$x$",
            "| |",
            "[red]",
            "a\nb",
            "a" * 9999,
            "\ufeff",
            [],
            {},
            ["x"],
        )
    ):
        made = copy.deepcopy(AREAS)
        made["features"][1]["properties"]["name"] = label
        check = as_drawn if isinstance(label, str) and label.strip() else lambda _, __: None
        yield Case(f"label-{number}", COMMAND, areas(made), "either", check)
    bow = copy.deepcopy(AREAS)
    west, south, east, north = SQUARES["North"]
    bow["features"][2]["geometry"]["coordinates"] = [
        [[west, south], [east, north], [east, south], [west, north], [west, south]]
    ]
    yield Case("shape-bow-tie", COMMAND, areas(bow), "either")
    over = {**AREAS, "features": [*AREAS["features"], feature("All", (-75, 40, -73, 41))]}
    yield Case("shape-overlapping", COMMAND, areas(over), "read", as_drawn)
    outer = {**AREAS, "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::99999"}}}
    yield Case("crs-unknown", COMMAND, areas(outer), "either", as_drawn)
    utm = {**AREAS, "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32618"}}}
    yield Case("crs-meters", COMMAND, areas(utm), names=names)
