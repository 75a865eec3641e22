import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
import yaml
from lgsid_overture import FoursquareOSPlaces, OverturePlaces

from lgsid import plugins
from lgsid.artefacts import Dataset
from lgsid.artefacts.files import read_json
from lgsid.cli import main
from lgsid.commands.prepare_data import builder_of
from lgsid.datasets import DatasetBuilder, PlacesOnly, TemporalSplit
from lgsid.errors import LgsidError
from lgsid.testing import DataSourceContract, tiny_encoder

N = 240
GROUP_ROWS = 40
AREA = {"south": 40.0, "west": -74.5, "north": 41.0, "east": -73.5}


def random_places(seed=0, n=N):
    """Plain rows in the order of longitude, as published files are sorted in space."""
    rng = np.random.default_rng(seed)
    lon = np.sort(rng.uniform(-76, -72, n))
    kinds = ["pizza_restaurant", "coffee_shop", "park", None]
    return [
        {
            "id": f"{seed:02d}{i:06x}",
            "lat": float(rng.uniform(39.5, 41.5)),
            "lon": float(lon[i]),
            "name": f"Place {i}" if i % 17 else None,
            "kind": kinds[rng.integers(4)],
            "confidence": float(rng.uniform()) if i % 11 else None,
            "status": [None, "open", "temporarily_closed", "permanently_closed"][rng.integers(4)],
            "brand": "Joe's" if i % 9 == 0 else None,
            "locality": ["Springfield", None, "Shelbyville"][rng.integers(3)],
        }
        for i in range(n)
    ]


def overture_table(places, taxonomy=False):
    """The columns of a release, in its nested form; columns that nobody reads are among them."""
    text = pa.string()
    names = pa.struct([("primary", text), ("common", pa.map_(text, text))])
    address = pa.struct(
        [("freeform", text), ("locality", text), ("postcode", text), ("region", text), ("country", text)]
    )
    box = pa.struct([(side, pa.float32()) for side in ("xmin", "xmax", "ymin", "ymax")])
    columns = {
        "id": pa.array([p["id"] for p in places]),
        "geometry": pa.array([shapely.to_wkb(shapely.Point(p["lon"], p["lat"])) for p in places], pa.binary()),
        "bbox": pa.array(
            [{"xmin": p["lon"], "xmax": p["lon"], "ymin": p["lat"], "ymax": p["lat"]} for p in places], box
        ),
        "names": pa.array([{"primary": p["name"], "common": None} for p in places], names),
        "confidence": pa.array([p["confidence"] for p in places], pa.float64()),
        "websites": pa.array([["https://example.org/" + p["id"] * 5] for p in places]),
        "brand": pa.array(
            [
                {"wikidata": None, "names": {"primary": p["brand"], "common": None}} if p["brand"] else None
                for p in places
            ],
            pa.struct([("wikidata", text), ("names", names)]),
        ),
        "addresses": pa.array(
            [
                [{"locality": p["locality"], "region": "US-NY", "country": "US"}] if i % 5 else None
                for i, p in enumerate(places)
            ],
            pa.list_(address),
        ),
        "operating_status": pa.array([p["status"] for p in places], text),
    }
    if taxonomy:
        tree = pa.struct([("primary", text), ("hierarchy", pa.list_(text)), ("alternates", pa.list_(text))])
        columns["taxonomy"] = pa.array(
            [p["kind"] and {"primary": p["kind"], "hierarchy": ["food_and_drink", p["kind"]]} for p in places], tree
        )
    else:
        tree = pa.struct([("primary", text), ("alternate", pa.list_(text))])
        columns["categories"] = pa.array(
            [p["kind"] and {"primary": p["kind"], "alternate": ["bar"]} for p in places], tree
        )
    return pa.table(columns)


def foursquare_table(places):
    labels = {None: None, "park": ["Landmarks and Outdoors > Park", "Event"], "coffee_shop": ["Dining and Drinking"]}
    pizza = ["Dining and Drinking > Restaurant > Pizzeria"]
    return pa.table(
        {
            "fsq_place_id": [p["id"] for p in places],
            "name": pa.array([p["name"] for p in places], pa.string()),
            "latitude": [p["lat"] for p in places],
            "longitude": [p["lon"] for p in places],
            "address": pa.array(["1 Main St"] * len(places)),
            "locality": pa.array([p["locality"] for p in places], pa.string()),
            "region": ["NY"] * len(places),
            "postcode": ["10001"] * len(places),
            "country": ["US"] * len(places),
            "date_closed": pa.array(
                ["2020-01-31" if p["status"] == "permanently_closed" else (p["status"] and "") for p in places],
                pa.string(),
            ),
            "fsq_category_ids": pa.array([["4bf58dd8"]] * len(places)),
            "fsq_category_labels": pa.array([labels.get(p["kind"], pizza) for p in places], pa.list_(pa.string())),
        }
    )


def write(table, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=GROUP_ROWS, compression="zstd")
    return path


TABLES = {"overture": (OverturePlaces, overture_table), "foursquare": (FoursquareOSPlaces, foursquare_table)}


@pytest.fixture(params=TABLES)
def kind(request):
    return request.param


def inside(place):
    return AREA["south"] <= place["lat"] <= AREA["north"] and AREA["west"] <= place["lon"] <= AREA["east"]


def told(raw):
    return {(entry.action, entry.what, entry.why): entry.count for entry in raw.preparation_log}


def check_ins(items, path, n=60):
    rng = np.random.default_rng(3)
    times = pd.date_range("2024-01-01", periods=n, freq="3h").strftime("%Y-%m-%dT%H:%M:%SZ")
    log = {"user": rng.choice(["u", "v", "w"], n), "place": rng.choice(items, n), "visited_at": times}
    pd.DataFrame(log).to_csv(path, index=False)
    return {"user_id": "user", "item_id": "place", "time": "visited_at"}


class TestContract(DataSourceContract):
    @pytest.fixture(autouse=True)
    def _files(self, kind, tmp_path):
        places = random_places()
        source, table = TABLES[kind]
        write(table(places[:100]), tmp_path / "places/a.parquet")
        write(table(places[100:]), tmp_path / "places/deep/b.parquet")
        names = [p["id"] for p in places if p["status"] != "permanently_closed"]
        columns = check_ins(names, tmp_path / "log.csv")
        self.source = lambda: source("places", interactions="log.csv", interaction_columns=columns, root=str(tmp_path))

    def make(self):
        return self.source()


@pytest.mark.parametrize("taxonomy", [False, True], ids=["categories", "taxonomy"])
def test_overture_against_a_loop(tmp_path, taxonomy):
    places = random_places()
    path = write(overture_table(places, taxonomy), tmp_path / "places.parquet")
    raw = OverturePlaces(path, min_confidence=0.3, area=AREA).read()
    closed = [p for p in places if p["status"] == "permanently_closed"]
    sure = [p for p in places if p not in closed and (p["confidence"] is None or p["confidence"] >= 0.3)]
    expected = [p for p in sure if inside(p)]
    assert len(expected) > 3
    items = raw.items
    assert items["item_id"].tolist() == [p["id"] for p in expected]
    assert items["lat"].tolist() == [p["lat"] for p in expected]  # of the geometry, not of the rounded box
    assert items["lon"].tolist() == [p["lon"] for p in expected]
    assert items["name"].tolist() == [p["name"] or "" for p in expected]
    assert items["category"].tolist() == [(p["kind"] or "").replace("_", " ") for p in expected]
    assert items["brand"].tolist() == [p["brand"] or "" for p in expected]
    rows = [places.index(p) for p in expected]
    assert raw.item_rows.tolist() == [row + 1 for row in rows]
    assert items["region_1"].tolist() == ["US" if row % 5 else "" for row in rows]
    finest = [(p["locality"] or "US-NY") if row % 5 else "" for row, p in zip(rows, expected, strict=True)]
    assert items["region_3"].tolist() == finest
    if taxonomy:
        assert items["category_group"].tolist() == ["food and drink" if p["kind"] else "" for p in expected]
    else:
        assert "category_group" not in items
    counts = told(raw)
    assert counts["read", "places", "places.parquet"] == len(places)
    assert sum(n for (action, *_), n in counts.items() if action == "dropped") == len(places) - len(expected)


def test_foursquare_against_a_loop(tmp_path):
    places = random_places()
    path = write(foursquare_table(places), tmp_path / "places.parquet")
    raw = FoursquareOSPlaces(path).read()
    expected = [p for p in places if p["status"] != "permanently_closed"]
    kinds = {None: "", "park": "Park", "coffee_shop": "Dining and Drinking", "pizza_restaurant": "Pizzeria"}
    groups = {None: "", "park": "Landmarks and Outdoors"}
    items = raw.items
    assert items["item_id"].tolist() == [p["id"] for p in expected]
    assert items["lat"].tolist() == [p["lat"] for p in expected]
    assert items["category"].tolist() == [kinds[p["kind"]] for p in expected]
    assert items["category_group"].tolist() == [groups.get(p["kind"], "Dining and Drinking") for p in expected]
    assert items["region_3"].tolist() == [p["locality"] or "NY" for p in expected]
    assert told(raw)["dropped", "places", "closed"] == len(places) - len(expected)
    assert len(FoursquareOSPlaces(path, keep_closed=True).read().items) == len(places)


def test_an_area_is_what_a_filter_of_all_rows_finds(kind, tmp_path):
    source, table = TABLES[kind]
    for number in range(3):
        write(table(random_places(number)), tmp_path / "all" / f"part={number}" / "p.parquet")
    whole, part = source("all", root=str(tmp_path)).read(), source("all", root=str(tmp_path), area=AREA).read()
    wanted = whole.items["lat"].between(AREA["south"], AREA["north"])
    wanted &= whole.items["lon"].between(AREA["west"], AREA["east"])
    pd.testing.assert_frame_equal(part.items, whole.items[wanted].reset_index(drop=True))
    assert part.item_rows.tolist() == whole.item_rows[wanted].tolist()
    assert told(part)["read", "places", "all (3 files)"] == 3 * N


def overwritten(path, where):
    """Damage the bytes of the column chunks for which `where(row group, dotted name)` is true."""
    metadata, content = pq.read_metadata(path), bytearray(path.read_bytes())
    n = 0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        for column in (group.column(i) for i in range(group.num_columns)):
            if where(number, column.path_in_schema):
                start = column.dictionary_page_offset or column.data_page_offset
                content[start : start + column.total_compressed_size] = b"\xff" * column.total_compressed_size
                n += 1
    path.write_bytes(bytes(content))
    return n


def test_row_groups_outside_the_area_and_other_columns_are_not_read(kind, tmp_path):
    source, table = TABLES[kind]
    places = random_places()
    path = write(table(places), tmp_path / "places.parquet")
    before = source(path, area=AREA).read()
    meets = {i // GROUP_ROWS for i, p in enumerate(places) if AREA["west"] <= p["lon"] <= AREA["east"]}
    assert len(meets) < N // GROUP_ROWS
    assert overwritten(
        path, lambda group, name: group not in meets or name.partition(".")[0] in ("websites", "address")
    )
    pd.testing.assert_frame_equal(source(path, area=AREA).read().items, before.items)
    with pytest.raises(LgsidError, match=r"places\.parquet: damaged, download it again"):
        source(path).read()


def test_files_without_statistics_of_the_position_are_read_whole(tmp_path):
    path = write(overture_table(random_places()).drop_columns(["bbox"]), tmp_path / "places.parquet")
    with_box = write(overture_table(random_places()), tmp_path / "box.parquet")
    found, expected = OverturePlaces(path, area=AREA).read(), OverturePlaces(with_box, area=AREA).read()
    pd.testing.assert_frame_equal(found.items, expected.items)


def test_overlapping_downloads_give_a_place_once(kind, tmp_path):
    source, table = TABLES[kind]
    places = random_places()
    write(table(places[:150]), tmp_path / "all/a.parquet")
    write(table(places[100:]), tmp_path / "all/b.parquet")
    raw = source("all", root=str(tmp_path), keep_closed=True).read()
    assert raw.items["item_id"].tolist() == [p["id"] for p in places]
    assert told(raw)["dropped", "places", "id of an earlier row"] == 50


def test_places_alone_from_the_command_line_to_a_card(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LGSID_CACHE", str(tmp_path / "cache"))
    write(overture_table(random_places(n=80), taxonomy=True), tmp_path / "overture/new_york.parquet")
    data, model = tmp_path / "data", tiny_encoder("bert", tmp_path / "tiny")
    root, wide = f"--source.init_args.root={tmp_path}", "{south: 30, west: -90, north: 45, east: -60}"
    main(
        ["data", "prepare", "data/overture_places.yaml", root, f"--source.init_args.area={wide}", "--output", str(data)]
    )
    assert "confidence below 0.5" in capsys.readouterr().out
    notes = read_json(data / "dataset.json")["notes"]
    assert next(n["count"] for n in notes if n["why"] == "closed") > 0
    align, fit, sids = (str(tmp_path / name) for name in ("align", "fit", "sids"))
    of_data = ["--data.init_args.dataset", str(data), "--run-folder"]
    short = [
        "--trainer.max_epochs=1",
        "--data.init_args.n_pairs=16",
        f"--model.init_args.encoder.init_args.model={model}",
    ]
    main(["fit", "--config", "alignment/far_only.yaml", *short, *of_data, align])
    vectors = ["--embeddings", f"{align}/embeddings.parquet"]
    sizes = ["--model.init_args.codebook_sizes=[4,4,4]", "--data.init_args.embeddings", f"{align}/embeddings.parquet"]
    main(["fit", "--config", "tokenizer/hier.yaml", *sizes, *of_data, fit])
    main(["tokenize", "--checkpoint", f"{fit}/model.ckpt", "--dataset", str(data), *vectors, "--output", sids])
    main(["card", f"{sids}/sids.parquet", "--items", str(data / "items.parquet")])
    card = json.loads(Path(sids, "card.json").read_text())
    assert card["collision_rate"] == 0
    assert card["items"] == len(Dataset.read(data).items)


def test_check_ins_of_the_user_name_places_by_id(kind, tmp_path):
    source, table = TABLES[kind]
    places = random_places()
    write(table(places), tmp_path / "places.parquet")
    ids = [p["id"] for p in places if p["status"] != "permanently_closed"]
    columns = check_ins(ids[:20], tmp_path / "log.csv")
    given = source("places.parquet", interactions="log.csv", interaction_columns=columns, root=str(tmp_path))
    assert [path.name for path in given.files()] == ["places.parquet", "log.csv"]
    dataset = DatasetBuilder("city", given, TemporalSplit()).build()
    assert list(dataset.items.ids) == ids
    assert len(dataset.interactions) == 60
    gone = pd.read_csv(tmp_path / "log.csv", dtype=str)
    gone.loc[4, "place"] = next(p["id"] for p in places if p["status"] == "permanently_closed")
    gone.to_csv(tmp_path / "log.csv", index=False)
    with pytest.raises(LgsidError, match=r"log\.csv: data row 5: item .* is not in .*places\.parquet"):
        DatasetBuilder("city", given, TemporalSplit()).build()


def test_no_coordinates_are_the_builders_matter_and_the_row_is_named(tmp_path):
    table = foursquare_table(random_places(n=60)).to_pandas()
    table.loc[50, "latitude"] = None
    table["date_closed"] = ""
    write(pa.Table.from_pandas(table), tmp_path / "places.parquet")
    source = FoursquareOSPlaces(tmp_path / "places.parquet")
    with pytest.raises(LgsidError, match=r"places\.parquet: data row 51: no coordinates"):
        DatasetBuilder("x", source, PlacesOnly()).build()
    dataset = DatasetBuilder("x", source, PlacesOnly(), missing_coordinates="drop").build()
    assert len(dataset.items) == 59


@pytest.mark.parametrize("name", ["overture_places", "foursquare_os_places"])
def test_configs_that_are_shipped(name, tmp_path):
    builder = builder_of(f"data/{name}.yaml", [f"--source.init_args.root={tmp_path}"])
    assert type(builder.source).__module__.startswith("lgsid_overture")
    short = {"name": "x", "split": {"class_path": "PlacesOnly"}}
    short["source"] = {"class_path": type(builder.source).__name__, "init_args": {"items": "places", "area": AREA}}
    (tmp_path / "short.yaml").write_text(yaml.safe_dump(short))
    assert type(builder_of(tmp_path / "short.yaml").source) is type(builder.source)


def test_they_are_listed_and_have_short_names():
    listed = {p.name: p for p in plugins.available("data_sources")}
    for kind in (OverturePlaces, FoursquareOSPlaces):
        assert listed[kind.__name__].distribution == "lgsid-overture"
        assert plugins.load()["data_sources"][kind.__name__] is kind


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: OverturePlaces(p / "gone").read(), "gone: no such file or folder; the README of lgsid-overture"),
        (lambda p: OverturePlaces(p / "empty").read(), r"empty: no Parquet files \(.parquet"),
        (lambda p: OverturePlaces(p / "text.parquet").read(), r"text\.parquet: cannot be read as Parquet"),
        (
            lambda p: OverturePlaces(p / "fsq.parquet").read(),
            "no column 'id', so these are no Overture places; its columns",
        ),
        (
            lambda p: FoursquareOSPlaces(p / "overture.parquet").read(),
            "no column 'fsq_place_id', so these are no Foursq",
        ),
        (lambda p: OverturePlaces(p / "roads.parquet").read(), "'geometry' holds a LineString; places are points"),
        (lambda p: OverturePlaces(p / "texts.parquet").read(), "'geometry' holds no geometries in WKB"),
        (
            lambda p: OverturePlaces(p / "overture.parquet", area={**AREA, "south": -41.0, "north": -40.0}).read(),
            r"overture\.parquet: no place is left of 60 \(60 outside the area\)",
        ),
        (lambda p: OverturePlaces(p, area={**AREA, "west": -60.0}), "OverturePlaces: area .*west below east"),
        (
            lambda p: OverturePlaces(p, area={"south": 1.0}),
            "OverturePlaces: area .*expected south, west, north and east",
        ),
        (lambda p: OverturePlaces(p, min_confidence=2), "min_confidence must be between 0 and 1, not 2"),
        (lambda p: FoursquareOSPlaces(p, time_unit="h"), "time_unit 'h' is unknown"),
    ],
)
def test_bad_input_gets_one_line(make, message, tmp_path):
    places = random_places(n=60)
    table = overture_table(places)
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.parquet").write_text("id,name\n")
    write(table, tmp_path / "overture.parquet")
    write(foursquare_table(places), tmp_path / "fsq.parquet")
    line = pa.array([shapely.to_wkb(shapely.LineString([(0, 0), (1, 1)]))] * 60, pa.binary())
    where = table.column_names.index("geometry")
    write(table.set_column(where, "geometry", line), tmp_path / "roads.parquet")
    write(table.set_column(where, "geometry", pa.array([b"POINT (1 2)"] * 60)), tmp_path / "texts.parquet")
    with pytest.raises(LgsidError, match=message) as caught:
        make(tmp_path)
    assert "\n" not in str(caught.value)
