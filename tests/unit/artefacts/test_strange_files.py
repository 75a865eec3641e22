"""Files of items, check-ins and vectors that others made or changed: read right, or one clear line."""

import json

import geopandas
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, box

from lgsid.artefacts import Dataset, Embeddings, Interactions, Items, read_items
from lgsid.artefacts.embeddings import vectors_of_column
from lgsid.artefacts.files import parse_json_text, write_json
from lgsid.artefacts.names import DATASET_FILE, INTERACTIONS_FILE, ITEMS_FILE
from lgsid.errors import LgsidError
from lgsid.testing import toy_city

NAMES = st.text(st.characters(blacklist_categories=["Cs"]), max_size=8)
IDS = st.text(st.characters(blacklist_categories=["Cc", "Cs", "Zs", "Zl", "Zp"]), min_size=1, max_size=6)
DEGREES = st.floats(-80, 80, allow_nan=False)


@pytest.fixture(scope="module")
def city():
    return toy_city()


def one_line(path, read, message):
    with pytest.raises(LgsidError, match=message) as caught:
        read(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def lists(values, kind=None):
    return pa.array(values, pa.list_(kind or pa.float32()))


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        (
            lists([[1, 2, 3], [4]]),
            "column vector: data row 2: 1 values, but 3 in the first row",
        ),
        (lists([[1, 2], None]), "data row 2: 0 values, but 2 in the first row"),
        (lists([[1, 2], []]), "data row 2: 0 values"),
        (lists([[], []]), "data rows 1, 2: 0 values"),
        (lists([[1, 2], [3, None]]), "data row 2: a value is missing"),
        (lists([[1, 2], [3, float("nan")]]), r"not finite, first of item 'b' \(data row 2\)"),
        (lists([[1, 2], [float("inf"), 3]]), "not finite, first of item 'b'"),
        (lists([[1, 2], [1e300, 3]], pa.float64()), "not finite, first of item 'b'"),
        (lists([["1"], ["2"]], pa.string()), "expected lists of numbers"),
        (lists([[True], [False]], pa.bool_()), "expected lists of numbers"),
        (lists([[[1.0]], [[2.0]]], pa.list_(pa.float32())), "expected lists of numbers"),
        (pa.array([1.0, 2.0]), "expected lists of numbers"),
        (pa.array(["[1, 2]", "[3, 4]"]), "expected lists of numbers"),
    ],
)
def test_vectors_that_are_none(tmp_path, vector, message):
    path = tmp_path / "embeddings.parquet"
    pq.write_table(pa.table({"item_id": ["a", "b"], "vector": vector}), path)
    one_line(path, Embeddings.read, message)


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (["a", "a"], "item_id 'a' occurs more than once"),
        ([1.5, 2.0], "id 1.5 is not a whole number"),
        (["a", None], "item_id is empty"),
        (["a", "\x1b[2J"], "holds a control character"),
        ([b"\xff", b"a"], "these are bytes"),
        (pa.array([], pa.string()), "the table has no rows"),
    ],
)
def test_ids_of_vectors(tmp_path, ids, message):
    path = tmp_path / "embeddings.parquet"
    pq.write_table(pa.table({"item_id": ids, "vector": lists([[1.0]] * len(ids))}), path)
    one_line(path, Embeddings.read, message)


@pytest.mark.parametrize(
    "kind",
    [pa.list_(pa.float64()), pa.large_list(pa.float16()), pa.list_(pa.float32(), 2), pa.list_(pa.int32())],
)
def test_vectors_of_every_kind_of_list(tmp_path, kind):
    values = np.arange(6).reshape(3, 2)
    rows = pa.array([row.tolist() for row in values], pa.list_(pa.float64())).cast(pa.list_(kind.value_type)).cast(kind)
    column = pa.chunked_array([rows[:1], rows[1:]])
    pq.write_table(pa.table({"item_id": [3, 4, 5], "vector": column}), tmp_path / "e.parquet", row_group_size=2)
    found = Embeddings.read(tmp_path / "e.parquet")
    assert found.vectors.tolist() == values.tolist()
    assert found.item_ids.tolist() == ["3", "4", "5"]
    assert found.metadata == {}


@pytest.mark.parametrize("cuts", [(), (1,), (1, 3)])
def test_vectors_of_every_chunk_are_taken(cuts):
    values = np.arange(8, dtype=np.float32).reshape(4, 2)
    chunks = [lists(part.tolist()) for part in np.split(values, cuts)]
    assert vectors_of_column(pa.chunked_array(chunks), "x").tolist() == values.tolist()


@settings(max_examples=25, deadline=None)
@given(
    ids=st.lists(IDS, min_size=1, max_size=5, unique=True),
    data=st.data(),
)
def test_items_and_vectors_come_back_as_they_were_written(tmp_path_factory, ids, data):
    folder = tmp_path_factory.getbasetemp()
    texts = data.draw(st.lists(NAMES, min_size=len(ids), max_size=len(ids)))
    lat, lon = (data.draw(st.lists(DEGREES, min_size=len(ids), max_size=len(ids))) for _ in range(2))
    items = Items.from_frame(pd.DataFrame({"item_id": ids, "name": texts, "lat": lat, "lon": lon}))
    items.write(folder / "random_items.parquet")
    back = Items.read(folder / "random_items.parquet")
    assert (back.ids.tolist(), back.texts("name").tolist()) == (ids, texts)
    assert (back.lat_deg.tolist(), back.lon_deg.tolist()) == (lat, lon)
    assert back.frame.geometry.x.tolist() == lon
    vectors = np.array(data.draw(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1)))
    given_vectors = Embeddings(np.array(ids, dtype=object), np.tile(vectors.astype(np.float32), (len(ids), 1)))
    given_vectors.write(folder / "random_vectors.parquet")
    found = Embeddings.read(folder / "random_vectors.parquet")
    assert found.item_ids.tolist() == ids
    assert np.array_equal(found.vectors, given_vectors.vectors)


def changed_dataset(city, folder, file, **columns):
    city.write(folder)
    table = pq.read_table(folder / file)
    for name, values in columns.items():
        table = table.set_column(table.column_names.index(name), name, pa.array(values(table[name].to_pylist())))
    pq.write_table(table, folder / file)
    (folder / DATASET_FILE).write_text("{}")  # with the hash that it had, all of these are refused as damaged


@pytest.mark.parametrize(
    ("file", "column", "values", "message"),
    [
        (
            ITEMS_FILE,
            "lat",
            lambda v: [None, *v[1:]],
            "column lat: data row 1: missing; every place of a dataset needs it",
        ),
        (ITEMS_FILE, "lat", lambda v: [float("nan"), *v[1:]], "column lat: data row 1: missing"),
        (ITEMS_FILE, "lat", lambda v: [float("inf"), *v[1:]], "data row 1: latitude inf is outside"),
        (ITEMS_FILE, "lat", lambda v: [91.0, *v[1:]], "data row 1: latitude 91 "),
        (ITEMS_FILE, "lon", lambda v: [*v[:-1], 181.0], "data row 60: longitude 181 is outside"),
        (ITEMS_FILE, "lon", lambda v: ["west"] * len(v), "'west' is not a number"),
        (ITEMS_FILE, "item_id", lambda v: ["\x07", *v[1:]], "holds a control character"),
        (ITEMS_FILE, "item_id", lambda v: [None, *v[1:]], "item_id is empty"),
        (INTERACTIONS_FILE, "hour", lambda v: [24, *v[1:]], "column hour: data row 1: expected integers from 0 to 23"),
        (INTERACTIONS_FILE, "weekday", lambda v: [1.5] * len(v), "column weekday: expected integers from 0 to 6"),
        (INTERACTIONS_FILE, "hour", lambda v: ["noon"] * len(v), "column hour: expected integers from 0 to 23"),
        (INTERACTIONS_FILE, "time", lambda v: ["now"] * len(v), "time 'now' does not follow ISO 8601"),
        (INTERACTIONS_FILE, "time", lambda v: v[::-1], "not sorted by time"),
        (INTERACTIONS_FILE, "split", lambda v: [None, *v[1:]], "unknown split"),
        (INTERACTIONS_FILE, "user_id", lambda v: ["", *v[1:]], "user_id is empty"),
        (INTERACTIONS_FILE, "item_id", lambda v: ["elsewhere", *v[1:]], "data row 1: the item is not in items.parquet"),
    ],
)
def test_a_dataset_that_somebody_changed(city, tmp_path, file, column, values, message):
    changed_dataset(city, tmp_path, file, **{column: values})
    one_line(tmp_path, Dataset.read, message)


@pytest.mark.parametrize("report", [[], "x", {"regions": "borough"}, {"regions": [1]}])
def test_a_report_that_is_none(city, tmp_path, report):
    city.write(tmp_path)
    write_json(tmp_path / DATASET_FILE, report)
    one_line(tmp_path, Dataset.read, "not the report of a dataset")


def test_times_in_another_zone_are_the_same_instants(city, tmp_path):
    city.write(tmp_path)
    (tmp_path / DATASET_FILE).unlink()
    table = pq.read_table(tmp_path / INTERACTIONS_FILE)
    tokyo = table["time"].cast(pa.timestamp("ns", "Asia/Tokyo"))
    pq.write_table(table.set_column(table.column_names.index("time"), "time", tokyo), tmp_path / INTERACTIONS_FILE)
    assert Interactions.read(tmp_path / INTERACTIONS_FILE).frame["time"].equals(city.interactions.frame["time"])


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (geopandas.GeoDataFrame({"id": ["a"]}, geometry=[Point(1, 2)], crs=None), "no coordinate reference system"),
        (geopandas.GeoDataFrame({"id": ["a"]}, geometry=[box(1, 2, 3, 4)], crs="EPSG:4326"), "not one of points"),
    ],
)
def test_geometries_that_are_no_points(tmp_path, frame, message):
    frame.to_parquet(tmp_path / "a.parquet")
    one_line(tmp_path / "a.parquet", read_items, message)


def test_a_geometry_of_another_name_and_reference_system(tmp_path):
    points = geopandas.GeoDataFrame({"id": ["a", "b"]}, geometry=[Point(1, 2), None], crs="EPSG:4326")
    points.to_crs("EPSG:3857").rename_geometry("where").to_parquet(tmp_path / "a.parquet")
    found = read_items(tmp_path / "a.parquet")
    np.testing.assert_allclose([found.lat_deg[0], found.lon_deg[0]], [2, 1], atol=1e-9)
    assert found.located.tolist() == [True, False]


@pytest.mark.parametrize("names", [("lat", "lon"), ("Latitude", "Longitude")])
def test_columns_of_coordinates_go_before_a_geometry(tmp_path, names):
    table = {"id": ["a"], names[0]: [5.0], names[1]: [6.0]}
    geopandas.GeoDataFrame(table, geometry=[Point(1, 2)], crs="EPSG:4326").to_parquet(tmp_path / "a.parquet")
    found = read_items(tmp_path / "a.parquet")
    assert (found.lat_deg.tolist(), found.lon_deg.tolist()) == ([5.0], [6.0])


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "id,lat,lon\np0,52,51,13,40\n", "data row 1: 5 values in 3 columns"),
        ("a.csv", 'id,lat,lon\np0,"52,51","13,40"\n', "'52,51' is not a number; write decimals with a point"),
        ("a.csv", "id,ID\na,b\n", "column 'id' occurs more than once"),
        ("a.csv", "id,lat,lon\na,-74,40.7\n", "most places are where nobody lives"),
        ("a.csv", "id,lat\na,40.7\n", "column lat but none for lon; name it lon, or leave both out"),
        ("a.csv", "id,\x1b[2J\na,b\n", "with characters that cannot be shown"),
        ("a.csv", "id,name\na\tb,x\n", "holds a control character"),
        ("a.json", '{"a": {"title": "x"}, "a": {"title": "y"}}', "key 'a' occurs more than once"),
        ("a.json", '[{"id": "a", "lat": NaN}]', "NaN is no JSON number; write null"),
        ("a.json", '[{"id": true}]', "ids must be texts or integers, these are boolean"),
        ("a.json", '[{"id": {"x": 1}}]', "ids must be texts or integers"),
        ("a.json", '[{"id": 1}, {"id": "1"}]', "ids must be texts or integers, these are mixed-integer"),
        ("a.json", '[{"id": "a", "lat": true, "lon": 1}]', "of type bool are not numbers"),
        ("a.json", '[{"id": "a", "lat": [1], "lon": 1}]', "is neither a text nor a number"),
        ("a.json", "[]", "has no rows"),
        ("a.jsonl", '{"id": "a"}\n[1]\n', "data row 2: expected one JSON object per line"),
        ("a.jsonl", '{"id": "a"}\n{"id": "b", "id": "c"}\n', "line 2: .*occurs more than once"),
    ],
)
def test_tables_of_items_that_are_wrong(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    one_line(tmp_path / name, read_items, message)


def test_line_separators_within_values_end_no_line(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"id": "a", "title": "x\u2028y\x85z"}\n', encoding="utf-8")
    assert read_items(tmp_path / "a.jsonl").texts("name").tolist() == ["x\u2028y\x85z"]


@settings(max_examples=40, deadline=None)
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | NAMES,
        lambda children: st.lists(children, max_size=3) | st.dictionaries(NAMES, children, max_size=3),
        max_leaves=8,
    )
)
def test_strict_json_is_json(value):
    assert parse_json_text(json.dumps(value), "x") == value
    assert parse_json_text(json.dumps(value, ensure_ascii=False).encode(), "x") == value
