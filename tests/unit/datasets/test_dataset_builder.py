import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from lgsid.artefacts import Dataset
from lgsid.commands.prepare_data import builder_of
from lgsid.datasets import (
    Brands,
    DatasetBuilder,
    DataSource,
    PolygonLayer,
    RawData,
    RegionJoin,
    TemporalSplit,
    describe_dataset,
)
from lgsid.errors import LgsidError
from lgsid.testing import toy_city, toy_source, toy_tables

CONFIGS = sorted((Path(__file__).parents[3] / "configs" / "data").glob("*.yaml"))


class Given(DataSource):
    """A source that returns what it is given."""

    def __init__(self, raw):
        self.raw = raw

    def read(self):
        return self.raw


@pytest.fixture(scope="module")
def raw():
    return toy_source().read()


def shown(renderable):
    console = Console(width=80, file=io.StringIO(), force_terminal=False)
    console.print(renderable)
    return console.file.getvalue()


@pytest.mark.parametrize("config", CONFIGS, ids=lambda p: p.stem)
def test_every_config_parses(config):
    builder = builder_of(config)
    assert builder.name
    assert isinstance(builder.source, DataSource)
    assert all(isinstance(join, RegionJoin) for join in builder.regions or [])


def test_table_example_works_on_a_users_files(tmp_path):
    toy_tables(tmp_path)
    config = next(c for c in CONFIGS if c.stem == "table_example")
    builder = builder_of(config, {"source.init_args.root": str(tmp_path)})
    dataset = builder.build()
    expected = toy_city()
    assert dataset.items.texts("region_1").tolist() == expected.items.texts("region_2").tolist()
    assert dataset.interactions.frame.equals(expected.interactions.frame)
    assert [f.name for f in builder.files()] == ["places.csv", "checkins.csv", "areas.geojson"]


def test_overrides_win(tmp_path):
    config = next(c for c in CONFIGS if c.stem == "synthetic_city")
    by_mapping = builder_of(config, {"source.init_args.n_places": 50, "split": "LeaveOneOutSplit", "k_core": 2})
    by_flags = builder_of(config, ["--source.init_args.n_places=50", "--split=LeaveOneOutSplit", "--k_core", "2"])
    for builder in (by_mapping, by_flags):
        assert builder.source.n_places == 50
        assert type(builder.split).__name__ == "LeaveOneOutSplit"
        assert builder.k_core == 2
        assert builder.brands == Brands(3)


def test_the_same_input_gives_the_same_bytes(tmp_path):
    first, second = toy_city(folder=tmp_path / "a"), toy_city(folder=tmp_path / "b")
    assert first.data_hash == second.data_hash
    for name in ("items.parquet", "interactions.parquet", "dataset.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_ties_in_time_keep_the_order_of_the_source(raw):
    log = raw.interactions.head(50).assign(time=pd.Timestamp("2024-01-01", tz="UTC"))
    dataset = DatasetBuilder("t", Given(RawData(raw.items, log)), TemporalSplit(), repeated="keep").build()
    assert dataset.interactions.frame["item_id"].tolist() == log["item_id"].tolist()


def test_repeated_rows_are_dropped_once(raw):
    log = pd.concat([raw.interactions, raw.interactions.head(7)])
    build = lambda how: DatasetBuilder("r", Given(RawData(raw.items, log)), TemporalSplit(), repeated=how).build()  # noqa: E731
    assert len(build("drop").interactions) == len(raw.interactions)
    assert len(build("keep").interactions) == len(raw.interactions) + 7
    assert build("drop").report["notes"][-1]["count"] == 7


def test_k_core_filters_items_and_log(raw):
    dataset = DatasetBuilder("k", toy_source(), TemporalSplit(), k_core=6).build()
    frame = dataset.interactions.frame
    assert frame["user_id"].value_counts().min() >= 6
    assert frame["item_id"].value_counts().min() >= 6
    assert set(frame["item_id"]) == set(dataset.items.ids)
    dropped = {n["what"]: n["count"] for n in dataset.report["notes"] if n["action"] == "dropped"}
    assert dropped["places"] == 60 - len(dataset.items)
    assert dropped["check-ins"] == 400 - len(frame)


def test_unvisited_places_stay_without_k_core(raw):
    extra = pd.concat([raw.items, raw.items.head(1).assign(item_id="new", name="New Place")], ignore_index=True)
    dataset = DatasetBuilder("u", Given(RawData(extra, raw.interactions)), TemporalSplit()).build()
    assert "new" in set(dataset.items.ids)


def test_attributes_do_not_depend_on_the_log(raw):
    """Nothing is learnt from the future: with half of the log, every place has the same attributes."""
    full = DatasetBuilder("a", toy_source(), TemporalSplit(), brands=Brands()).build()
    half = RawData(raw.items, raw.interactions.head(150), polygons=raw.polygons)
    part = DatasetBuilder("a", Given(half), TemporalSplit(), brands=Brands()).build()
    assert part.items.frame.drop(columns="geometry").equals(full.items.frame.drop(columns="geometry"))


def test_finest_region_falls_back_to_the_coarser(raw):
    districts, areas = raw.polygons["district"], raw.polygons["neighbourhood"]
    joins = [
        RegionJoin("district", [PolygonLayer.from_frame(districts)]),
        RegionJoin("neighbourhood", [PolygonLayer.from_frame(areas.iloc[:3], max_distance_m=0)]),
    ]
    dataset = DatasetBuilder("f", toy_source(), TemporalSplit(), regions=joins).build()
    coarse, fine = dataset.items.texts("region_1"), dataset.items.texts("region_2")
    assert (fine != "").all()
    outside = ~np.isin(fine, areas["name"].iloc[:3].astype(object))
    assert (fine[outside] == coarse[outside]).all()
    assert dataset.report["region_join"][1]["named_after_parent"] == outside.sum() > 0
    joins[1].fallback = False
    holes = DatasetBuilder("f", toy_source(), TemporalSplit(), regions=joins).build().items.texts("region_2")
    assert (holes[outside] == "").all()


def test_given_regions_are_kept(raw):
    items = raw.items.assign(region_1="North", region_2="Hill")
    dataset = DatasetBuilder("g", Given(RawData(items, raw.interactions)), TemporalSplit()).build()
    assert dataset.items.region_columns == ["region_1", "region_2"]
    assert dataset.region_names == ["region_1", "region_2"]


def test_regions_in_which_no_place_lies(raw):
    swapped = raw.items.rename(columns={"lat": "lon", "lon": "lat"})
    builder = DatasetBuilder("s", Given(RawData(swapped, raw.interactions, polygons=raw.polygons)), TemporalSplit())
    with pytest.raises(LgsidError, match="no place lies in a district, but all would with latitude and longitude swap"):
        builder.build()
    away = raw.items.assign(lat=10.0)
    builder = DatasetBuilder("s", Given(RawData(away, raw.interactions, polygons=raw.polygons)), TemporalSplit())
    with pytest.raises(LgsidError, match="none of 60 places lies in or near a polygon of region level 'district'"):
        builder.build()


def test_wrong_arguments(raw):
    with pytest.raises(LgsidError, match="k_core -1 is negative"):
        DatasetBuilder("w", Given(raw), TemporalSplit(), k_core=-1)
    with pytest.raises(LgsidError, match="repeated 'maybe' is unknown"):
        DatasetBuilder("w", Given(raw), TemporalSplit(), repeated="maybe")


def test_description_fits_and_hides_people(tmp_path):
    items = toy_source().read().items
    items.loc[0, ["name", "category"]] = ["Somebody's flat", "Home (private)"]
    raw = toy_source().read()
    given = Given(RawData(items, raw.interactions, preparation_log=raw.preparation_log, polygons=raw.polygons))
    builder = DatasetBuilder("toy", given, TemporalSplit(), brands=Brands())
    text = shown(builder.describe())
    assert max(map(len, text.splitlines())) <= 80
    assert text.startswith("toy: 60 places, 400 check-ins, 12 users")
    for part in ("made", "Split: TemporalSplit", "district", "neighbourhood", "brand", "Some of the places"):
        assert part in text
    for user in raw.interactions["user_id"].unique():
        assert user not in text
    assert "Somebody" not in text.split("Some of the places")[1]
    builder.build().write(tmp_path)
    assert shown(describe_dataset(Dataset.read(tmp_path))) == text
