"""Tables as people have them: read as they are meant, or refused with one line."""

import decimal
import itertools

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lgsid.artefacts import Items
from lgsid.datasets import TSMC2014, DatasetBuilder, TableSource, TemporalSplit
from lgsid.errors import LgsidError

N = 20
IDS = [f"p{i}" for i in range(N)]
LAT, LON = [52.4 + i / 100 for i in range(N)], [13.3 + i / 100 for i in range(N)]
TIMES = [f"2024-05-{i + 1:02d}T10:00:00Z" for i in range(N)]


def places(**changed):
    return pd.DataFrame({"item_id": IDS, "lat": LAT, "lon": LON, **changed})


def log(**changed):
    return pd.DataFrame({"user_id": [f"u{i % 3}" for i in range(N)], "item_id": IDS, "time": TIMES, **changed})


def build(items, interactions, **options):
    return DatasetBuilder("mine", TableSource(items, interactions, **options), TemporalSplit()).build()


def message(items, interactions, **options):
    with pytest.raises(LgsidError) as caught:
        build(items, interactions, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_row_with_decimal_commas_does_not_shift_its_columns(tmp_path):
    (tmp_path / "places.csv").write_text("item_id,lat,lon\np0,52,51,13,40\n")
    text = message("places.csv", log(), root=str(tmp_path))
    assert "places.csv: data row 1: 5 values in 3 columns (item_id, lat, lon)" in text
    assert "write decimals with a point" in text


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"item_id": [1.5, *range(1, N)]}, "column item_id: data row 1: id 1.5 is not a whole number"),
        ({"item_id": [2.0**60, *range(1, N)]}, "has lost digits as a float; store ids as texts"),
        ({"item_id": [np.inf, *range(1, N)]}, "column item_id: data row 1: id inf"),
        ({"item_id": pd.Series([1, *IDS[1:]], dtype=object)}, "ids must be texts or integers, these are mixed-integer"),
        ({"item_id": [b"\xff", *map(str.encode, IDS[1:])]}, "ids must be texts or integers, these are bytes"),
        ({"item_id": [True] * N}, "ids must be texts or integers, these are boolean"),
        ({"item_id": [decimal.Decimal(i) for i in range(N)]}, "these are decimal"),
        ({"item_id": [["a"]] * N}, "ids must be texts or integers, these are mixed"),
        ({"item_id": ["p\x1b]0;x\x07", *IDS[1:]]}, "data row 1: item_id 'p\\x1b]0;x\\x07' holds a control character"),
        ({"item_id": [None, *IDS[1:]]}, "data row 1: item_id is empty"),
        ({"item_id": ["p1", *IDS[1:]]}, "data row 2: item_id 'p1' occurs more than once"),
        ({"name": [{"en": "bar"}] * N}, "\"{'en': 'bar'}\" is neither a text nor a number"),
        ({"lat": [True] * N}, "column lat: values of type bool are not numbers"),
        ({"lat": ["north", *LAT[1:]]}, "column lat: data row 1: 'north' is not a number"),
        ({"lat": [[52.0]] * N}, "is neither a text nor a number"),
        ({"lat": [np.inf, *LAT[1:]]}, "data row 1: latitude inf is outside"),
        ({"lat": [np.nan, *LAT[1:]]}, "data row 1: no coordinates"),
        ({"lat": [91.0, *LAT[1:]]}, "data row 1: latitude 91"),
        ({"lon": [181.0, *LON[1:]]}, "data row 1: longitude 181"),
        ({"lon": [373.3, *LON[1:]]}, "data row 1: longitude 373.3 is outside"),
    ],
)
def test_places_that_are_wrong(change, expected):
    assert expected in message(places(**change), log())


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"user_id": [1.5] * N}, "column user_id: data rows 1, 2, 3 and 17 more: id 1.5 is not a whole number"),
        ({"user_id": ["u\n0"] * N}, "user_id 'u\\n0' holds a control character"),
        ({"user_id": [None] * N}, "user_id is empty"),
        ({"time": [1714550400] * N}, "it looks like s since 1970: set `time_unit: s`"),
        ({"time": ["now"] * N}, "time 'now' does not follow ISO 8601"),
        ({"time": [pd.Timestamp.max] * N}, "is not in the years 1900 to 2199"),
    ],
)
def test_check_ins_that_are_wrong(change, expected):
    assert expected in message(places(), log(**change))


def test_a_data_frame_that_names_a_column_twice():
    twice = pd.concat([places(), places()[["lat"]]], axis=1)
    assert "column 'lat' occurs more than once" in message(twice, log())
    with pytest.raises(LgsidError, match="column 'lat' occurs more than once"):
        Items.from_frame(twice)


@pytest.mark.parametrize(
    ("offset", "expected"),
    [
        ("", "'' is not a whole number"),
        ("1.5", "'1.5' is not a whole number"),
        ("9000", "9000 minutes are a day"),
        ("x", "x"),
    ],
)
def test_offsets_of_a_log_that_are_none(tmp_path, offset, expected):
    row = "\t".join(["u", "v", "c", "Bar", "40.7", "-74.0", offset, "Tue Apr 03 18:00:09 +0000 2012"])
    (tmp_path / "log.txt").write_text(row + "\n", encoding="latin-1")
    with pytest.raises(LgsidError, match=f"log.txt: column offset_min: data row 1: .*{expected}"):
        TSMC2014("log.txt", root=str(tmp_path)).read()


def test_ids_as_floats_integers_and_texts_are_the_same():
    numbers = list(range(N))
    for left, right in itertools.product([numbers, [float(i) for i in numbers], [str(i) for i in numbers]], repeat=2):
        dataset = build(places(item_id=left), log(item_id=right))
        assert sorted(dataset.items.ids, key=int) == [str(i) for i in numbers]


def foreign(path, **columns):
    pq.write_table(pa.table(columns), path)
    return path.name


def test_parquet_of_foreign_types(tmp_path):
    categories = ["bar", "cafe"] * (N // 2)
    items = foreign(
        tmp_path / "places.parquet",
        item_id=pa.array(IDS).dictionary_encode(),
        lat=pa.array([decimal.Decimal(f"{x:.2f}") for x in LAT]),
        lon=pa.array(np.array(LON, dtype=np.float32)),
        category=pa.array(categories).dictionary_encode(),
        name=pa.array([name.encode() for name in IDS]),
    )
    stamps = pa.array(pd.to_datetime(TIMES)).cast(pa.timestamp("ms", "Asia/Tokyo"))
    checkins = foreign(
        tmp_path / "log.parquet",
        user_id=pa.array([i % 3 for i in range(N)], pa.uint16()),
        item_id=pa.array(IDS, pa.large_string()),
        time=stamps,
    )
    dataset = build(items, checkins, root=str(tmp_path), time_zone="Europe/Berlin")
    assert dataset.items.ids.tolist() == dataset.items.texts("name").tolist() == IDS
    assert dataset.items.texts("category").tolist() == categories
    np.testing.assert_allclose(dataset.items.lat_deg, LAT, atol=1e-9)
    np.testing.assert_allclose(dataset.items.lon_deg, LON, atol=1e-5)
    assert dataset.interactions.frame["time"].tolist() == pd.to_datetime(TIMES).tolist()
    assert set(dataset.interactions.frame["hour"]) == {12}


def test_an_index_that_pandas_kept_and_columns_that_it_cannot_hold(tmp_path):
    places().set_index("item_id").to_parquet(tmp_path / "places.parquet")
    assert build("places.parquet", log(), root=str(tmp_path)).items.ids.tolist() == IDS
    zone = pa.array([0] * N).cast(pa.timestamp("us", "Mars/Olympus"))
    foreign(tmp_path / "log.parquet", user_id=["u"] * N, item_id=IDS, time=zone)
    text = message(places(), "log.parquet", root=str(tmp_path))
    assert text.startswith(f"{tmp_path}/log.parquet: ")


def test_names_that_are_no_texts(tmp_path):
    names = pa.array([b"\xff\xfe", *[b"x"] * (N - 1)])
    foreign(tmp_path / "places.parquet", item_id=IDS, lat=LAT, lon=LON, name=names)
    text = message("places.parquet", log(), root=str(tmp_path))
    assert "column name: data row 1: not a text of valid Unicode" in text


def test_exchanged_coordinates_are_told_by_the_time_zone_or_the_bounds():
    exchanged = places(lat=LON, lon=LAT)
    assert "km from Europe/Berlin" in message(exchanged, log(), time_zone="Europe/Berlin")
    bounds = {"south": 52.0, "west": 13.0, "north": 53.0, "east": 14.0}
    assert "look swapped; exchange the two columns" in message(exchanged, log(), bounds=bounds)
    assert len(build(places(), log(), time_zone="Europe/Berlin", bounds=bounds).items) == N
    build(exchanged, log())  # nothing tells: there is land at 13 N 52 E


def test_most_places_in_the_far_north_are_noticed():
    notes = build(places(lat=[69.6] * N, lon=[18.9] * N), log()).report["notes"]
    assert [note["count"] for note in notes if note["action"] == "noticed"] == [N]
    assert not [note for note in build(places(), log()).report["notes"] if note["action"] == "noticed"]


def test_times_that_a_clock_shows_twice_are_in_the_report():
    texts = ["2024-10-27 02:30:00", *[f"2024-10-{day:02d} 12:00" for day in range(1, N)]]
    notes = build(places(), log(time=texts), time_zone="Europe/Berlin").report["notes"]
    assert [note["count"] for note in notes if note["what"] == "times"] == [1]
