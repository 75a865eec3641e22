import gzip
from pathlib import Path

import geopandas
import numpy as np
import pytest
from shapely.geometry import LineString, Point, Polygon, box

from lgsid.datasets import PolygonLayer, RegionJoin
from lgsid.errors import LgsidError


def layer(names, boxes, max_distance_m=500.0, **columns):
    frame = geopandas.GeoDataFrame({"name": names, **columns}, geometry=[box(*b) for b in boxes], crs="EPSG:4326")
    return PolygonLayer.from_frame(frame, max_distance_m=max_distance_m)


def match(join, points, parents=None):
    lat, lon = np.array(points, dtype=float).T
    return join.match(lat, lon, parents=None if parents is None else np.array(parents, dtype=object))


WEST_EAST = (["west", "east"], [(10.0, 50.0, 10.5, 51.0), (10.5, 50.0, 11.0, 51.0)])


def test_within_against_brute_force():
    rng = np.random.default_rng(0)
    points = np.column_stack([rng.uniform(49.9, 51.1, 300), rng.uniform(9.9, 11.1, 300)])
    found = match(RegionJoin("half", [layer(*WEST_EAST, max_distance_m=0)]), points)
    for (lat, lon), name in zip(points, found.names, strict=True):
        inside = [n for n, (x0, y0, x1, y1) in zip(*WEST_EAST, strict=True) if x0 < lon < x1 and y0 < lat < y1]
        assert name == (inside[0] if inside else "")
    assert found.n_within == (found.names != "").sum()
    assert found.n_unmatched == (found.names == "").sum()


def test_nearest_up_to_a_distance():
    metre = 1 / 111_320
    small = layer(["west", "east"], [(10.0, 50.0, 10.05, 50.1), (10.05, 50.0, 10.1, 50.1)])
    points = [(50.05, 10.02), (50.0 - 300 * metre, 10.02), (50.0 - 700 * metre, 10.02), (50.0 - 300 * metre, 10.09)]
    found = match(RegionJoin("half", [small]), points)
    assert found.names.tolist() == ["west", "west", "", "east"]
    assert (found.n_within, found.n_nearest, found.n_unmatched) == (1, 2, 1)
    assert found.farthest_m == pytest.approx(300, rel=0.01)


def test_layers_in_their_order():
    """A precise layer wins inside; a coarse one that contains a point wins over a precise one beside it."""
    fine = layer(["town"], [(10.0, 50.0, 10.1, 50.1)], max_distance_m=5000)
    coarse = layer(["county"], [(9.0, 49.0, 12.0, 50.5)], max_distance_m=5000)
    found = match(RegionJoin("level", [fine, coarse]), [(50.05, 10.05), (50.11, 10.05), (50.52, 10.05)])
    assert found.names.tolist() == ["town", "county", "county"]


def test_nearest_stays_in_the_parent():
    polygons = layer(["a", "b"], [(10.0, 50.0, 10.1, 50.1), (10.11, 50.0, 10.2, 50.1)], 2000, up=["A", "B"])
    polygons.parent = "up"
    between = [(50.05, 10.103)] * 3
    found = match(RegionJoin("level", [polygons]), between, parents=["A", "B", "C"])
    assert found.names.tolist() == ["a", "b", ""]


def test_points_on_a_shared_border_get_one_region():
    found = match(RegionJoin("half", [layer(*WEST_EAST)]), [(50.5, 10.5)])
    assert found.names[0] in {"west", "east"}


def test_other_reference_systems_and_files(tmp_path):
    frame = geopandas.GeoDataFrame(
        {"NAME": ["west", "east"], "KIND": ["County", "City"]},
        geometry=[box(*b) for b in WEST_EAST[1]],
        crs="EPSG:4326",
    )
    frame.to_crs("EPSG:3857").to_file(tmp_path / "areas.gpkg", driver="GPKG")
    frame.to_parquet(tmp_path / "areas.parquet")
    (tmp_path / "areas.geojson.gz").write_bytes(gzip.compress(frame.to_json().encode()))
    for name in ("areas.gpkg", "areas.parquet", "areas.geojson.gz"):
        join = RegionJoin("r", [PolygonLayer(name, label="{NAME} {KIND}", rename={"east City": "East"}, remove="^w")])
        found = join.match(np.array([50.5, 50.5]), np.array([10.2, 10.8]), tmp_path)
        assert found.names.tolist() == ["est County", "East"], name


def test_mistakes(tmp_path):
    at = (np.array([50.5]), np.array([10.2]), tmp_path)
    with pytest.raises(LgsidError, match="no such file"):
        RegionJoin("r", [PolygonLayer("nowhere.geojson")]).match(*at)
    (tmp_path / "text.geojson").write_text("nothing")
    with pytest.raises(LgsidError, match="not readable as polygons"):
        RegionJoin("r", [PolygonLayer("text.geojson")]).match(*at)
    (tmp_path / "half.geojson.gz").write_bytes(gzip.compress(b"{}" * 99)[:20])
    with pytest.raises(LgsidError, match="gzip file is truncated"):
        RegionJoin("r", [PolygonLayer("half.geojson.gz")]).match(*at)
    wrong = layer(*WEST_EAST)
    wrong.label = "title"
    with pytest.raises(LgsidError, match="missing column title; the polygons have name"):
        RegionJoin("r", [wrong]).match(*at)
    with pytest.raises(LgsidError, match="no polygon layers"):
        RegionJoin("r", []).match(*at)


@pytest.mark.parametrize(
    ("shapes", "crs", "message"),
    [
        ([box(10, 50, 11, 51), None], "EPSG:4326", "data row 2: no geometry; remove the row"),
        ([box(10, 50, 11, 51), Polygon()], "EPSG:4326", "data row 2: no geometry"),
        ([Point(10, 50), box(10, 50, 11, 51)], "EPSG:4326", "data row 1: not a polygon"),
        ([LineString([(10, 50), (11, 51)])] * 2, "EPSG:4326", "data rows 1, 2: not a polygon"),
        ([box(10, 50, 11, 51), box(5e5, 5e6, 6e5, 6e6)], "EPSG:4326", "data row 2: coordinates are no degrees"),
        ([box(40, -112, 41, -111)] * 2, "EPSG:4326", "data rows 1, 2: coordinates are no degrees .* exchanged"),
        ([box(10, 50, 11, 51)] * 2, None, "have no coordinate reference system"),
        ([], "EPSG:4326", "there are no polygons"),
    ],
)
def test_layers_that_are_no_polygons(shapes, crs, message):
    frame = geopandas.GeoDataFrame({"name": ["a", "b"][: len(shapes)]}, geometry=shapes, crs=crs)
    with pytest.raises(LgsidError, match=message):
        match(RegionJoin("level", [PolygonLayer.from_frame(frame)]), [(50.5, 10.5)])


def test_polygons_in_meters_are_transformed():
    degrees = geopandas.GeoDataFrame({"name": ["a"]}, geometry=[box(10, 50, 11, 51)], crs="EPSG:4326")
    for crs in ("EPSG:3857", "EPSG:32632"):
        found = match(RegionJoin("level", [PolygonLayer.from_frame(degrees.to_crs(crs))]), [(50.5, 10.5), (52, 10.5)])
        assert found.names.tolist() == ["a", ""]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.geojson", b"{"),
        ("a.geojson", b""),
        ("a.geojson", b'{"type": "FeatureCollection", "features": []}'),
        ("a.geojson", b'{"type": "Feature"}'),
        ("a.geojson", b"\x00\xff\xfe"),
        ("a.parquet", b"PAR1"),
        ("a.geojson.gz", b"\x1f\x8b\x08 and then nothing"),
        ("a.geojson.gz", gzip.compress(b"{", mtime=0)),
        ("a.zip!b.shp", b"PK\x03\x04"),
        ("a.shp", b"no shapes"),
    ],
)
def test_files_that_are_no_layers_are_one_clear_line(tmp_path, name, content):
    (tmp_path / name.partition("!")[0]).write_bytes(content)
    with pytest.raises(LgsidError) as caught:
        PolygonLayer(name).load(tmp_path)
    assert name.partition("!")[0] in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_encoding(tmp_path):
    degrees = geopandas.GeoDataFrame({"name": ["a"]}, geometry=[box(10, 50, 11, 51)], crs="EPSG:4326")
    degrees.to_file(tmp_path / "a.shp")
    with pytest.raises(LgsidError, match="encoding 'utf-99' is unknown"):
        PolygonLayer("a.shp", encoding="utf-99").load(tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"label": ""}, "label is empty"),
        ({"label": None}, "label None is not a text|label is empty"),
        ({"parent": 7}, "parent 7 is not a text"),
        ({"max_distance_m": -1}, "max_distance_m -1 is not a distance"),
        ({"max_distance_m": float("nan")}, "max_distance_m nan is not a distance"),
        ({"remove": "("}, r"remove '\(': "),
        ({"remove": 7}, "remove 7"),
        ({"rename": {"a": None}}, "must lead from texts to texts"),
    ],
)
def test_options_of_a_layer_that_cannot_be(options, message):
    with pytest.raises(LgsidError, match=message):
        PolygonLayer("a.geojson", **options).load(Path())


def test_labels_are_cleaned_by_any_expression_in_little_time():
    polygons = layer(["a" * 60 + "!", "Mitte (Berlin)"], WEST_EAST[1])
    polygons.remove = r"(a+)+$| \(.*\)$"
    assert polygons.load(None)["label"].tolist() == ["a" * 60 + "!", "Mitte"]
