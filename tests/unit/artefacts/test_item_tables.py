"""Items from the tables that people have, for judging their semantic IDs."""

import json

import numpy as np
import pandas as pd
import pytest

from lgsid.artefacts import Items, SemanticIDs, read_items
from lgsid.cli import main
from lgsid.errors import LgsidError
from lgsid.testing import toy_city

LETTER = {
    "0": {"title": "Belavo Coffee", "description": "", "brand": "Belavo", "categories": ["Food", "Coffee Shop"]},
    "1": {"title": "Farrow's Pizza", "brand": "", "categories": "Food,Pizza Place"},
    "10": {"title": None},
}


@pytest.fixture(scope="module")
def items():
    return toy_city().items


def written(items, path):
    """Write the items as another project would have them."""
    frame = pd.DataFrame(items.frame.drop(columns="geometry"))
    foreign = frame.rename(columns={"item_id": "business_id", "name": "Title", "lat": "latitude", "lon": "lng"})
    if path.suffix == ".json":
        path.write_text(json.dumps(foreign.to_dict("records")))
    elif path.name.endswith(".jsonl"):
        foreign.to_json(path, orient="records", lines=True)
    elif path.suffix == ".parquet":
        foreign.to_parquet(path)
    else:
        foreign.to_csv(path, index=False, sep="\t" if ".tsv" in path.name else ",")
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.tsv", "a.json", "a.jsonl", "a.parquet"])
def test_every_kind_of_file_gives_the_same_items(items, tmp_path, name):
    found = read_items(written(items, tmp_path / name))
    for column in ("item_id", "name", "category", "brand", *items.region_columns):
        assert found.texts(column).tolist() == items.texts(column).tolist()
    np.testing.assert_allclose(found.lat_deg, items.lat_deg)
    np.testing.assert_allclose(found.lon_deg, items.lon_deg)


def test_coordinates_can_come_from_a_geometry(items, tmp_path):
    frame = items.frame.drop(columns=["lat", "lon"]).to_crs("EPSG:3857")
    frame.to_parquet(tmp_path / "points.parquet")
    np.testing.assert_allclose(read_items(tmp_path / "points.parquet").lat_deg, items.lat_deg, atol=1e-9)
    items.write(tmp_path / "own.parquet")
    assert read_items(tmp_path / "own.parquet").ids.tolist() == items.ids.tolist()


def test_items_of_letter_have_no_coordinates(tmp_path):
    (tmp_path / "Yelp.item.json").write_text(json.dumps(LETTER))
    found = read_items(tmp_path / "Yelp.item.json")
    assert found.ids.tolist() == ["0", "1", "10"]
    assert found.texts("name").tolist() == ["Belavo Coffee", "Farrow's Pizza", ""]
    assert found.texts("category").tolist() == ["Food, Coffee Shop", "Food,Pizza Place", ""]
    assert not found.located.any()


def test_integer_ids_stay_whole(tmp_path):
    (tmp_path / "ids.csv").write_text("id,lat,lon\n7,1.5,2\n08,,\n")
    found = read_items(tmp_path / "ids.csv")
    assert found.ids.tolist() == ["7", "08"]
    assert found.located.tolist() == [True, False]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("none.csv", None, "no such file"),
        ("a.xlsx", "x", "not a known ending"),
        ("a.csv", "shop,lat\nx,1\n", "no column of item ids; name it item_id"),
        ("a.csv", "id,lat,lon\nx,95,1\n", "data row 1: latitude 95 and longitude 1 look swapped"),
        ("a.csv", "id,lat,lng\nx,5,1\ny,6,east\n", "column lng: data row 2: 'east' is not a number"),
        ("a.csv", "id,lat\n", "has no rows"),
        ("a.csv", "id,lat\nx,1\nx,1,2,3\n", "data row 2: 4 values in 2 columns"),
        ("a.csv", "id\nx\nx\n", "item_id 'x' occurs more than once"),
        ("a.json", "[1, 2]", "expected items as"),
        ("a.jsonl", "{]", "line 1: not valid JSON"),
        ("a.parquet", "PAR", "not a readable Parquet file"),
    ],
)
def test_mistakes_are_one_clear_line(tmp_path, name, text, message):
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    with pytest.raises(LgsidError, match=message):
        read_items(path)


def test_the_card_of_an_index_needs_nothing_else(items, tmp_path, capsys):
    """`lgsid card FILE.index.json`, alone and with a table of items without coordinates."""
    codes = np.random.default_rng(0).integers(5, size=(len(items), 2))
    SemanticIDs(items.ids, codes, (5, 5)).write_index_json(tmp_path / "x.index.json")
    main(["card", str(tmp_path / "x.index.json")])
    shown = capsys.readouterr().out
    assert "60 items, 2 levels (5 x 5 codes)" in shown
    assert "colliding items in" in shown
    assert shown.count("Not judged: geography") == 1
    main(["card", str(tmp_path / "x.index.json"), "--json"])

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    assert json.loads(capsys.readouterr().out, parse_constant=refuse)["colliding_items"] > 0
    records = {item: {"title": name} for item, name in zip(items.ids, items.texts("name"), strict=True)}
    (tmp_path / "x.item.json").write_text(json.dumps(records))
    main(["card", str(tmp_path / "x.index.json"), "--items", str(tmp_path / "x.item.json"), "--json"])
    card = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert card["left_out"] == "geography: the items have no coordinates"
    assert card["same_name"]["names"] > 0


def test_a_copy_of_the_table_is_handed_out(items):
    frame = items.to_frame()
    frame["name"] = "changed"
    assert "changed" not in items.texts("name")
    assert Items.from_frame(items.to_frame()).ids.tolist() == items.ids.tolist()
