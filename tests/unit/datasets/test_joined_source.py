"""Several datasets as one, and a held-out city among them."""

import numpy as np
import pandas as pd
import pytest
import yaml

from lgsid.artefacts import Dataset
from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.cli import main
from lgsid.commands.prepare_data import builder_of
from lgsid.datasets import (
    Brands,
    DatasetBuilder,
    HeldOutSourceSplit,
    JoinedSource,
    LeaveOneOutSplit,
    TableSource,
    TemporalSplit,
)
from lgsid.errors import LgsidError
from lgsid.testing import toy_source, toy_tables


def builder(seed=0, **changes):
    source = toy_source(n_items=60 + seed, seed=seed)
    return DatasetBuilder(f"city{seed}", source, TemporalSplit(), brands=Brands(), **changes)


def two_cities():
    return {"here": builder(0), "there": builder(1, k_core=3)}


def without_prefix(frame, name):
    own = frame[frame["source"] == name].drop(columns="source").reset_index(drop=True)
    for column in {"user_id", "item_id"} & set(own.columns):
        assert own[column].str.startswith(f"{name}:").all()
        own[column] = own[column].str.removeprefix(f"{name}:")
    return own


def test_each_part_is_what_its_own_config_makes_of_it():
    joined = DatasetBuilder("both", JoinedSource(two_cities()), HeldOutSourceSplit(TemporalSplit(), ["there"])).build()
    log = joined.interactions.frame.assign(source=lambda f: f["item_id"].str.partition(":")[0])
    n_items = 0
    for name, alone in ((n, b.build()) for n, b in two_cities().items()):
        items = without_prefix(joined.items.frame, name)
        expected = alone.items.frame
        n_items += len(expected)
        for column in ("item_id", "name", "category", "category_group", "brand", "lat", "lon"):
            assert items[column].tolist() == expected[column].tolist(), column
        own = without_prefix(log, name).drop(columns="split")
        whole = alone.interactions.frame
        kept = whole if name == "there" else whole[whole["split"] != "test"]
        wanted = kept.drop(columns="split").reset_index(drop=True)
        pd.testing.assert_frame_equal(own, wanted, check_dtype=False)
    assert len(joined.items) == n_items
    assert joined.interactions.frame["time"].is_monotonic_increasing


def test_nothing_is_known_of_the_held_out_city_before_the_test():
    split = HeldOutSourceSplit(TemporalSplit(), ["there"])
    joined = DatasetBuilder("both", JoinedSource(two_cities()), split).build()
    log, there = CheckInLog.of(joined), (joined.items.frame["source"] == "there").to_numpy()
    assert (log.is_cold(len(joined.items)) >= there).all()
    assert set(log.split[there[log.item]]) == {"test"}
    assert set(log.split[~there[log.item]]) == {"train", "val"}
    assert not set(log.user[there[log.item]]) & set(log.user[~there[log.item]])
    (note,) = [n for n in joined.report["notes"] if "hidden by HeldOutSourceSplit" in str(n)]
    assert note["count"] == (builder(0).build().interactions.frame["split"] == "test").sum()
    assert joined.report["split"] == "temporal"


def tables(names, levels):
    items = pd.DataFrame({"item_id": [f"i{k}" for k in range(10)], "lat": 1.0, "lon": 2.0})
    for level, name in zip(levels, names, strict=True):
        items[level] = name
    items.loc[0, list(levels)] = ""
    time = pd.date_range("2020", periods=10, freq="h", tz="UTC")
    log = pd.DataFrame({"user_id": "u", "item_id": items["item_id"], "time": time})
    return DatasetBuilder("x", TableSource(items, log), TemporalSplit())


def test_regions_are_told_apart_and_levels_filled():
    deep, flat = tables(["Centre", "North"], ["region_1", "region_2"]), tables(["Centre"], ["region_1"])
    none = tables([], [])
    joined = JoinedSource({"a": deep, "b": flat, "c": none}).read().items
    rows = joined.groupby("source")[["region_1", "region_2"]].agg(list)
    assert rows.loc["a"].tolist() == [["", *["Centre (a)"] * 9], ["", *["North"] * 9]]
    assert rows.loc["b"].tolist() == [["", *["Centre (b)"] * 9]] * 2
    assert rows.loc["c"].tolist() == [[""] * 10] * 2


def test_rows_that_are_dropped_are_said_to_be_of_their_dataset():
    whys = [entry.why for entry in JoinedSource(two_cities()).read().preparation_log]
    assert all(why.startswith(("here: ", "there: ")) for why in whys)
    assert any(why.startswith("there: not in the 3-core") for why in whys)


@pytest.fixture
def two_configs(tmp_path):
    """Two tables with a config each, as a user has them, in one folder, and a config that joins them."""
    for seed, name in enumerate(("oslo", "lima")):
        toy_tables(tmp_path / name, n_items=60, seed=seed)
        source = {
            "items": f"{name}/places.csv",
            "interactions": f"{name}/checkins.csv",
            "item_columns": {"item_id": "poi", "lat": "latitude", "lon": "longitude", "category": "kind"},
            "interaction_columns": {"user_id": "user", "item_id": "poi", "time": "visited_at"},
        }
        content = {"name": name, "source": {"class_path": "TableSource", "init_args": source}}
        content |= {"split": {"class_path": "TemporalSplit"}, "brands": {"min_branches": 2}}
        content["regions"] = [{"name": "area", "layers": [{"path": f"{name}/areas.geojson", "label": "name"}]}]
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(content))
    inner = {"class_path": "TemporalSplit", "init_args": {"train": 0.7, "val": 0.2}}
    joined = {
        "name": "oslo_to_lima",
        "source": {
            "class_path": "JoinedSource",
            "init_args": {"datasets": {"oslo": "oslo.yaml", "lima": "lima.yaml"}},
        },
        "split": {"class_path": "HeldOutSourceSplit", "init_args": {"split": inner, "test": ["lima"]}},
    }
    path = tmp_path / "oslo_to_lima.yaml"
    path.write_text(yaml.safe_dump(joined))
    return path


def test_two_tables_of_a_user_are_joined_by_a_config(two_configs, tmp_path, monkeypatch, capsys):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    main(["data", "prepare", "../oslo_to_lima.yaml", "--output", "out"])
    assert "HeldOutSourceSplit" in capsys.readouterr().out
    joined = Dataset.read("out")
    for name in ("oslo", "lima"):
        alone = builder_of(f"../{name}.yaml").build()
        own = joined.items.frame[joined.items.frame["source"] == name]
        assert own["item_id"].tolist() == [f"{name}:{i}" for i in alone.items.ids]
        for column in ("category", "brand", "region_1"):
            shown = own[column].str.removesuffix(f" ({name})").tolist()
            assert shown == alone.items.frame[column].tolist()
    counts = joined.interactions.frame["split"].value_counts()
    assert counts["test"] == len(builder_of("../lima.yaml").build().interactions)
    n = len(builder_of("../oslo.yaml").build().interactions)
    assert (counts["train"], counts["val"]) == (round(0.7 * n), round(0.9 * n) - round(0.7 * n))
    files = {file.resolve() for file in builder_of("../oslo_to_lima.yaml").files()}
    assert files == {
        tmp_path / name / file for name in ("oslo", "lima") for file in ("places.csv", "checkins.csv", "areas.geojson")
    }


def test_mistakes_name_the_dataset(two_configs, tmp_path):
    content = yaml.safe_load(two_configs.read_text())
    content["source"]["init_args"]["datasets"]["lima"] = "limo.yaml"
    two_configs.write_text(yaml.safe_dump(content))
    with pytest.raises(LgsidError, match=r"datasets: lima: 'limo.yaml' is no dataset config; name a YAML file"):
        builder_of(two_configs)
    with pytest.raises(LgsidError, match="1 datasets given; it takes two or more"):
        JoinedSource({"here": builder(0)})
    with pytest.raises(LgsidError, match="JoinedSource: datasets"):
        JoinedSource({"he re/": builder(0), "there": builder(1)})
    with pytest.raises(LgsidError, match=r"JoinedSource: datasets: b: unknown key 'sourse'.*did you mean source"):
        JoinedSource({"a": builder(0), "b": {"sourse": {}}}).files()


@pytest.mark.parametrize("inner", [TemporalSplit(), LeaveOneOutSplit()], ids=["temporal", "leave_one_out"])
def test_the_split_by_a_column(inner):
    rng = np.random.default_rng(0)
    city = rng.choice(["a", "b", "c"], 90)
    log = pd.DataFrame({"user_id": [f"{c}{k % 3}" for k, c in enumerate(city)], "item_id": city, "city": city})
    found = HeldOutSourceSplit(inner, ["c", "a"], column="city").assign(log)
    alone = inner.assign(log[log["city"] == "b"].reset_index(drop=True))
    assert set(found[city != "b"]) == {"test"}
    assert found[city == "b"].tolist() == ["" if part == "test" else part for part in alone]
    assert HeldOutSourceSplit(inner, ["a"], column="city").task == "temporal"


@pytest.mark.parametrize(
    ("test", "column", "message"),
    [
        (["d"], "city", "no check-in has the city 'd'; there are a, b"),
        (["a", "b"], "city", "test holds every city; leave one to train on"),
        (["a"], "source", "the source has no column 'source'; use JoinedSource"),
        ([], "city", r"test must be a list of names of sources, not \[\]"),
        ("a", "city", "test must be a list of names of sources, not 'a'"),
    ],
)
def test_the_split_refuses(test, column, message):
    log = pd.DataFrame({"user_id": "u", "item_id": "i", "city": ["a", "b"] * 10})
    with pytest.raises(LgsidError, match=f"HeldOutSourceSplit: {message}"):
        HeldOutSourceSplit(TemporalSplit(), test, column).assign(log)
