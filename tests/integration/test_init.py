"""`lgsid init`: from two tables to a prepared dataset and a pipeline that parses, whatever the columns are called."""

from pathlib import Path

import numpy as np
import pytest

from lgsid.artefacts import Dataset
from lgsid.cli import main
from lgsid.datasets import SyntheticCity

CITY = SyntheticCity(n_places=40, n_users=8, n_checkins=300, n_days=30, n_districts=2, n_neighbourhoods=4).read()
ORDER = CITY.interactions.sort_values(["time", "user_id", "item_id"], kind="stable").reset_index(drop=True)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def tables(item=("item_id", "lat", "lon"), log=("user_id", "item_id", "time"), times=None, drop=()):
    """Return the places and the check-ins of a small city under other headers."""
    places = CITY.items[["item_id", "lat", "lon", "name", "category"]].drop(columns=list(drop))
    check_ins = ORDER[["user_id", "item_id", "time"]].copy()
    if times is not None:
        check_ins["time"] = times(check_ins["time"])
    return (
        places.rename(columns=dict(zip(("item_id", "lat", "lon"), item, strict=True))),
        check_ins.rename(columns=dict(zip(("user_id", "item_id", "time"), log, strict=True))),
    )


def written(places, check_ins, sep=","):
    places.to_csv("places.csv", index=False, sep=sep)
    check_ins.to_csv("checkins.csv", index=False, sep=sep)
    return ["init", "places.csv", "checkins.csv"]


def refused(words, capsys):
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


def prepared(config="my_city.yaml"):
    main(["data", "prepare", config, "--output", "data"])
    return Dataset.read("data")


def as_iso(times):
    return times.dt.strftime("%Y-%m-%dT%H:%M:%SZ")


def as_seconds(times):
    return times.astype("datetime64[us, UTC]").astype(np.int64) // 10**6


def as_milliseconds(times):
    return times.astype("datetime64[us, UTC]").astype(np.int64) // 10**3


def as_foursquare(times):
    return times.dt.strftime("%a %b %d %H:%M:%S +0000 %Y")


@pytest.mark.parametrize(
    ("item", "log", "times", "sep"),
    [
        (("item_id", "lat", "lon"), ("user_id", "item_id", "time"), as_iso, ","),
        (("poi", "Latitude", "Longitude"), ("uid", "poi", "timestamp"), as_seconds, ";"),
        (("venueId", "venue latitude", "venue longitude"), ("user", "venueId", "utcTime"), as_foursquare, "\t"),
        (("id", "LAT", "lng"), ("User ID", "place", "visited at"), as_milliseconds, ","),
        (("fsq_place_id", "latitude", "long"), ("customer_id", "what", "created_at"), as_iso, "|"),
    ],
)
def test_odd_headers_give_the_same_dataset_and_a_pipeline_that_parses(item, log, times, sep, capsys):
    main(written(*tables(item, log, times), sep))
    shown = capsys.readouterr().out
    for column in (*item, *log):
        assert column in shown
    dataset = prepared()
    assert dataset.name == "my_city"
    ours = ORDER.assign(time=ORDER["time"].dt.floor("s")).drop_duplicates(["user_id", "item_id", "time"])
    read = dataset.interactions.frame
    assert len(read) == len(ours)
    assert sorted(zip(read["user_id"], read["item_id"], read["time"], strict=True)) == sorted(
        zip(ours["user_id"].astype(str), ours["item_id"].astype(str), ours["time"], strict=True)
    )
    np.testing.assert_allclose(
        dataset.items.lat_deg, CITY.items.set_index("item_id")["lat"].reindex(dataset.items.ids), rtol=1e-12
    )
    main(["run", "my_city_pipeline.yaml", "--dry-run"])
    assert "report: would run" in capsys.readouterr().out


def test_parquet_with_timestamps_and_places_that_nobody_knows(capsys):
    places, check_ins = tables()
    places.iloc[1:].to_parquet("places.parquet")
    check_ins.to_parquet("checkins.parquet")
    Path("sub").mkdir()
    main(["init", "places.parquet", "checkins.parquet", "--name", "town", "--output", "sub"])
    assert "of the check-ins are at other places" in capsys.readouterr().out
    unknown = (check_ins["item_id"] == places["item_id"].iloc[0]).sum()
    assert len(prepared("sub/town.yaml").interactions.frame) == len(check_ins) - unknown
    main(["run", "sub/town_pipeline.yaml", "--dry-run"])


def test_nothing_is_overwritten(capsys):
    words = written(*tables(times=as_iso))
    Path("my_city_pipeline.yaml").write_text("mine")
    assert "my_city_pipeline.yaml: exists already, and is not overwritten" in refused(words, capsys)
    assert not Path("my_city.yaml").exists()
    assert Path("my_city_pipeline.yaml").read_text() == "mine"


@pytest.mark.parametrize(
    ("item", "log", "message"),
    [
        (
            ("item_id", "north", "lon"),
            ("user_id", "item_id", "time"),
            "places.csv: no column of it looks like a latitude",
        ),
        (("item_id", "lat", "east"), ("user_id", "item_id", "time"), "(lon); say which with --place lon=COLUMN"),
        (("item_id", "lat", "lon"), ("who", "item_id", "time"), "checkins.csv: no column of it looks like a user"),
        (("item_id", "lat", "lon"), ("user_id", "item_id", "moment"), "say which with --check-in time=COLUMN; it has"),
    ],
)
def test_a_column_that_cannot_be_found_is_one_line(item, log, message, capsys):
    words = written(*tables(item, log, as_iso))
    assert message in refused(words, capsys)
    assert not Path("my_city.yaml").exists()


def test_the_users_word_counts(capsys):
    words = written(*tables(("item_id", "north", "east"), ("who", "item_id", "moment"), as_iso))
    words += ["--place", "lat=north", "--place", "lon=east", "--check-in", "user_id=who", "--check-in", "time=moment"]
    main([*words, "--time-zone", "Europe/Berlin"])
    assert prepared().interactions.frame["user_id"].nunique() == ORDER["user_id"].nunique()
    assert "time_zone: Europe/Berlin # you said so" in Path("my_city.yaml").read_text()
    assert "did you mean north?" in refused([*words, "--name", "other", "--place", "lat=nort"], capsys)
    words += ["--name", "other", "--place", "height=north"]
    assert "--place 'height=north': expected NAME=COLUMN" in refused(words, capsys)


def test_days_and_months_that_cannot_be_told_apart_are_asked_for(capsys):
    places, check_ins = tables(times=lambda times: times.dt.strftime("0%u/0%u/2024 %H:%M"))
    words = written(places, check_ins)
    assert "may be day/month or month/day; say which with --time-format '%d/%m/%Y %H:%M'" in refused(words, capsys)
    main([*words, "--time-format", "%d/%m/%Y %H:%M"])
    assert "time_format: '%d/%m/%Y %H:%M'" in Path("my_city.yaml").read_text()


def test_tables_of_other_places_are_told(capsys):
    places, check_ins = tables(times=as_iso)
    words = written(places, check_ins.assign(item_id="x" + check_ins["item_id"]))
    assert "column item_id names few places of column item_id of places.csv" in refused(words, capsys)
