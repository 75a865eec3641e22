"""Every mistake in a user's tables is one clear line that names the place."""

import gzip
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from lgsid.commands.prepare_data import builder_of
from lgsid.datasets import DatasetBuilder, TableSource, TemporalSplit
from lgsid.errors import LgsidError

N = 20
CONFIGS = Path(__file__).parents[3] / "configs" / "data"


@pytest.fixture
def tables(tmp_path):
    """A folder with two sound tables; `change` rewrites one of them."""
    places = pd.DataFrame(
        {"item_id": [f"p{i}" for i in range(N)], "lat": [52.0 + i / 100 for i in range(N)], "lon": [13.4] * N}
    ).astype(str)
    log = pd.DataFrame(
        {
            "user_id": [f"u{i % 3}" for i in range(N)],
            "item_id": [f"p{i}" for i in range(N)],
            "time": [f"2024-05-{i + 1:02d}T10:00:00Z" for i in range(N)],
        }
    )
    places.to_csv(tmp_path / "places.csv", index=False)
    log.to_csv(tmp_path / "log.csv", index=False)
    return tmp_path


def change(folder, name, row, column, value):
    frame = pd.read_csv(folder / name, dtype=str, keep_default_na=False)
    frame.loc[row - 1, column] = value
    frame.to_csv(folder / name, index=False)


def build(folder, items="places.csv", interactions="log.csv", **options):
    source = TableSource(items, interactions, root=str(folder))
    return DatasetBuilder("mine", source, TemporalSplit(), **options).build()


def message(folder, **options):
    with pytest.raises(LgsidError) as caught:
        build(folder, **options)
    text = str(caught.value)
    assert "\n" not in text
    return text.replace(str(folder) + "/", "")


def test_sound_tables_build(tables):
    dataset = build(tables)
    assert len(dataset.items) == len(dataset.interactions) == N


def test_missing_file(tables):
    assert message(tables, items="nowhere.csv") == (
        "nowhere.csv: no such file; give the folder of the data as root, or set LGSID_DATA"
    )


def test_missing_column(tables):
    frame = pd.read_csv(tables / "places.csv").rename(columns={"lon": "longitude"})
    frame.to_csv(tables / "places.csv", index=False)
    assert message(tables) == "places.csv: missing column lon; the file has item_id, lat, longitude"


def test_missing_column_of_parquet(tables):
    pd.read_csv(tables / "places.csv").drop(columns="lat").to_parquet(tables / "places.parquet")
    text = message(tables, items="places.parquet")
    assert "missing column lat" in text
    assert text.startswith("places.parquet: ")


def test_latitude_out_of_range(tables):
    change(tables, "places.csv", 3, "lat", "95.5")
    change(tables, "places.csv", 3, "lon", "100")
    change(tables, "places.csv", 4, "lat", "-91")
    change(tables, "places.csv", 4, "lon", "100")
    assert message(tables) == (
        "places.csv: data rows 3, 4: latitude 95.5 is outside -90..90 degrees; correct it (are the values degrees?)"
    )


def test_longitude_out_of_range(tables):
    change(tables, "places.csv", 2, "lon", "1340")
    assert message(tables) == (
        "places.csv: data row 2: longitude 1340 is outside -180..180 degrees; correct it (are the values degrees?)"
    )


def test_swapped_coordinates_out_of_range(tables):
    change(tables, "places.csv", 5, "lat", "-112.07")
    change(tables, "places.csv", 5, "lon", "33.5")
    assert message(tables) == (
        "places.csv: data row 5: latitude -112.07 and longitude 33.5 look swapped; exchange the two columns"
    )


def test_swapped_coordinates_within_range(tables):
    """52 N 13 E the wrong way round is in Somalia: far from the other places, near them when exchanged."""
    change(tables, "places.csv", 7, "lat", "13.4")
    change(tables, "places.csv", 7, "lon", "52.1")
    assert message(tables) == (
        "places.csv: data row 7: latitude 13.4 and longitude 52.1 look swapped; exchange the two columns"
    )


@pytest.mark.parametrize(("lat", "lon", "shown"), [("", "", "nan, nan"), ("0", "0", "0, 0"), ("-1.0", "-1", "-1, -1")])
def test_no_coordinates(tables, lat, lon, shown):
    for row in (2, 9, 11, 12):
        change(tables, "places.csv", row, "lat", lat)
        change(tables, "places.csv", row, "lon", lon)
    assert message(tables) == (
        f"places.csv: data rows 2, 9, 11 and 1 more: no coordinates ({shown}); "
        "correct them, or set `missing_coordinates: drop`"
    )
    dataset = build(tables, missing_coordinates="drop")
    assert len(dataset.items) == N - 4
    assert len(dataset.interactions) == N - 4
    dropped = {(n["what"], n["count"]) for n in dataset.report["notes"] if n["action"] == "dropped"}
    assert dropped == {("places", 4), ("check-ins", 4)}


def test_coordinates_that_are_no_numbers(tables):
    change(tables, "places.csv", 6, "lat", "52,1")
    assert message(tables) == (
        "places.csv: column lat: data row 6: '52,1' is not a number; write decimals with a point"
    )


def test_infinite_coordinates(tables):
    change(tables, "places.csv", 6, "lat", "inf")
    assert "data row 6: latitude inf is outside -90..90" in message(tables)


def test_unparsable_times(tables):
    change(tables, "log.csv", 4, "time", "yesterday")
    change(tables, "log.csv", 8, "time", "")
    assert message(tables) == (
        "log.csv: column time: data rows 4, 8: time 'yesterday' does not follow ISO 8601; "
        "set `time_format` if it follows another one"
    )


def test_duplicate_item_ids(tables):
    change(tables, "places.csv", 9, "item_id", "p1")
    assert message(tables) == (
        "places.csv: data row 9: item_id 'p1' occurs more than once (first in data row 2); keep one row per place"
    )


def test_empty_ids(tables):
    change(tables, "log.csv", 3, "user_id", "")
    assert message(tables) == "log.csv: data row 3: user_id is empty"
    change(tables, "places.csv", 2, "item_id", " ")
    assert message(tables) == "places.csv: data row 2: item_id is empty"


def test_unknown_items(tables):
    change(tables, "log.csv", 5, "item_id", "elsewhere")
    assert message(tables) == (
        "log.csv: data row 5: item 'elsewhere' is not in places.csv; add it there, or set `unknown_items: drop`"
    )
    dataset = build(tables, unknown_items="drop")
    assert len(dataset.interactions) == N - 1
    assert {k: v for k, v in dataset.report["notes"][-1].items() if k != "why"} == {
        "action": "dropped",
        "what": "check-ins",
        "count": 1,
    }


def test_nothing_left(tables):
    for row in range(1, N + 1):
        change(tables, "places.csv", row, "lat", "")
    assert message(tables, missing_coordinates="drop") == "places.csv: nothing is left of 20 places and 20 check-ins"


def test_empty_split(tables):
    pd.read_csv(tables / "log.csv").head(3).to_csv(tables / "log.csv", index=False)
    assert message(tables) == (
        "mine: TemporalSplit leaves the test split empty (3 check-ins, 3 users); change its settings or bring more data"
    )


def test_empty_k_core(tables):
    assert message(tables, k_core=50) == "mine: no user and place have 50 check-ins each; lower k_core"


def test_bytes_that_are_not_utf8(tables):
    lines = (tables / "places.csv").read_bytes().splitlines()
    lines[4] = lines[4].replace(b"p3", b"caf\xe9")
    (tables / "places.csv").write_bytes(b"\n".join(lines))
    assert message(tables) == (
        "places.csv: line 5: byte 0xe9 is not utf-8; save the file as UTF-8 or set `encoding` (often latin-1)"
    )


def test_truncated_gzip(tables):
    whole = gzip.compress((tables / "log.csv").read_bytes())
    (tables / "log.csv.gz").write_bytes(whole[: len(whole) // 2])
    assert message(tables, interactions="log.csv.gz") == (
        "log.csv.gz: the gzip file is truncated; download or copy it again"
    )


def test_broken_gzip(tables):
    whole = bytearray(gzip.compress((tables / "log.csv").read_bytes()))
    whole[30:60] = b"x" * 30
    (tables / "log.csv.gz").write_bytes(whole)
    assert "log.csv.gz: the gzip file is broken" in message(tables, interactions="log.csv.gz")


def test_broken_parquet(tables):
    (tables / "log.parquet").write_bytes(b"PAR1 and then nothing")
    assert message(tables, interactions="log.parquet").startswith("log.parquet: not a readable Parquet file")


def test_empty_files(tables):
    (tables / "log.csv").write_text("")
    assert message(tables) == "log.csv: the file is empty"
    (tables / "log.csv").write_text("user_id,item_id,time\n")
    assert message(tables) == "log.csv: the file has no rows"


def test_line_with_too_many_values(tables):
    lines = (tables / "log.csv").read_text().splitlines()
    lines[6] += ",one,more"
    (tables / "log.csv").write_text("\n".join(lines))
    assert message(tables) == (
        "log.csv: data row 6: 5 values in 3 columns (user_id, item_id, time); "
        "put values with ',' in quotes, write decimals with a point"
    )


def test_unknown_time_zone(tables):
    source = TableSource("places.csv", "log.csv", root=str(tables), time_zone="Mars/Olympus")
    with pytest.raises(LgsidError, match="time zone 'Mars/Olympus' is unknown"):
        source.read()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--source.class_path=TableSauce"], "source: no class 'TableSauce'; did you mean TableSource?"),
        (["--k_core=five"], "k_core: expected int. Got value: five"),
        (["--kcore=5"], "unknown key 'kcore' of a dataset config; did you mean k_core?"),
        ({"kcore": 5}, "unknown key 'kcore' of a dataset config; did you mean k_core?"),
        ({"split.init_args.trian": 0.5}, "trian"),
        (["--missing_coordinates=keep"], "missing_coordinates"),
    ],
)
def test_mistakes_in_the_config(arguments, expected):
    with pytest.raises(LgsidError) as caught:
        builder_of(CONFIGS / "table_example.yaml", arguments)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_misspelled_class_is_answered_with_those_that_there_are():
    """In a process of its own: classes that other tests define are known there, too."""
    words = ["data", "describe", str(CONFIGS / "table_example.yaml"), "--split=TemporalSplitt"]
    code = f"from lgsid.cli import main; main({words!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    known = "BlockSplit, ColdStartSplit, HeldOut"
    assert done.returncode == 2
    assert f"split: no class 'TemporalSplitt'; did you mean TemporalSplit? known: {known}" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"separator": ""}, "places.csv: separator '' is not one; use a single character"),
        ({"separator": "\n"}, "places.csv: separator '\\n' is not one; use a single character"),
        ({"time_format": "%Q"}, "log.csv: column time: time format '%Q' is not one of strptime's"),
        ({"time_unit": "weeks"}, "TableSource: time_unit 'weeks' is unknown; use s, ms, us, ns, or null for texts"),
        ({"time_zone": "Mars/Olympus"}, "time zone 'Mars/Olympus' is unknown"),
        ({"encoding": "utf-99"}, "encoding 'utf-99' is unknown"),
        ({"root": "nowhere"}, "nowhere/places.csv: no such file"),
    ],
)
def test_options_of_a_table_that_cannot_be(tables, options, expected):
    with pytest.raises(LgsidError) as caught:
        TableSource("places.csv", "log.csv", **{"root": str(tables), **options}).read()
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_config_files_that_are_none(tmp_path):
    with pytest.raises(LgsidError, match="no such config"):
        builder_of(tmp_path / "nowhere.yaml")
    (tmp_path / "broken.yaml").write_text("a: [1")
    with pytest.raises(LgsidError, match="not valid YAML"):
        builder_of(tmp_path / "broken.yaml")
    (tmp_path / "list.yaml").write_text("- 1")
    with pytest.raises(LgsidError, match="expected `key: value` lines, found list"):
        builder_of(tmp_path / "list.yaml")
