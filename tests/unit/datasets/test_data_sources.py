"""Each public layout, written small by hand, comes out as the two canonical tables."""

import gzip

import numpy as np
import pandas as pd
import pytest

from lgsid.datasets import (
    TSMC2014,
    ContextTrailsPetalingJaya,
    FoursquareNYC,
    FoursquarePhoenix,
    GowallaNYC,
    TableSource,
)
from lgsid.datasets.context_trails_petaling_jaya import BETWEEN_NAMES
from lgsid.errors import LgsidError


def write(path, text, encoding="utf-8"):
    path.parent.mkdir(parents=True, exist_ok=True)
    data = text.encode(encoding)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def log_of(raw):
    return {(n.action, n.what): n.count for n in raw.preparation_log}


def test_foursquare_nyc(tmp_path):
    write(
        tmp_path / "foursquare_nyc/checkins.csv.gz",
        "user_idx,poi_idx,cat,lat,lon,unix_s,hour,dow,traj_id,block\n"
        "1,7,Bar,40.71,-74.0,1333476009,14,1,1_0,T0\n"
        "2,7,Bar,40.72,-74.0,1333476010,14,1,2_0,T0\n"
        "1,7,Pub,40.72,-74.0,1333476011,14,1,1_0,T5\n"
        "1,9,Park,40.80,-73.9,1333476012,23,6,1_0,T4\n",
    )
    write(
        tmp_path / "foursquare_nyc_venues/fs_ny_top_users_193.csv.gz",
        "new_tid;tid;lat_lon;time;day;poi;type;root_type;rating;weather;label\n"
        "1;1;40.71 -74.0;1;Monday;Gift Stand;Gift Shop;Shop;-1;Clear;1\n"
        "1;1;40.71 -74.0;1;Monday;Gift Stand;Gift Shop;Shop;-1;Clear;1\n"
        "1;1;40.7200000004 -74.0;1;Monday;The Bar;Bar;Night;-1;Clear;1\n",
    )
    write(tmp_path / "taxonomy/mapping.csv", "1,Bar,schema:BarOrPub\n2,Gift Shop,schema:Store\n")
    raw = FoursquareNYC(str(tmp_path)).read()
    assert raw.items.to_dict("records") == [
        {"item_id": "7", "name": "The Bar", "category": "Bar", "lat": 40.72, "lon": -74.0},
        {"item_id": "9", "name": "", "category": "Park", "lat": 40.80, "lon": -73.9},
    ]
    log = raw.interactions
    assert log["time"].iloc[0] == pd.Timestamp(1333476009, unit="s", tz="UTC")
    assert log["hour"].tolist() == [14, 14, 14, 23]
    assert log["weekday"].tolist() == [1, 1, 1, 6]
    assert log["block"].tolist() == ["T0", "T0", "T5", "T4"]
    assert log_of(raw)["set", "coordinates"] == 1
    assert log_of(raw)["set", "names"] == 1
    assert raw.item_rows.tolist() == [2, 4]


def test_gowalla_nyc(tmp_path):
    write(
        tmp_path / "gowalla_nyc/gowalla_events.csv.gz",
        "1\t2010-10-12T00:21:28Z\t40.7\t-74.0\t11\n1\t2010-01-12T00:21:28Z\t40.8\t-74.0\t12\n",
    )
    write(
        tmp_path / "gowalla_nyc/gowalla_venues.csv.gz",
        '11\tThe "Best" Bagel\t40.7\t-74.0\n13\tElsewhere\t40.7\t-74.0\n',
    )
    raw = GowallaNYC(str(tmp_path)).read()
    assert raw.items["name"].tolist() == ['The "Best" Bagel', ""]
    assert raw.interactions["hour"].tolist() == [20, 19]  # summer and winter time
    assert raw.interactions["weekday"].tolist() == [0, 0]


def test_context_trails(tmp_path):
    folder = tmp_path / "context_trails_petaling_jaya"
    write(
        folder / "Q864965_PetalingJaya_trails_weather.csv.gz",
        "trail_id;user_id;venue_id;timestamp;temp\n1;a;x;2017-10-04T00:47:00+08:00;30\n1;a;y;2017-10-03T20:00:00+00:00;3\n",
    )
    write(
        folder / "POIS_INFO_Q864965_PetalingJaya_lvl1_categories.csv.gz",
        "fsq_id,latitude,longitude,category,price,rating,category_lvlFs\n"
        "x,3.1,101.7,Road-Bar,2,-1.0,Dining and Drinking\n"
        "y,-1.0,-1.0,-1,-1,-1.0,\n"
        'z,3.2,101.8,Road-Bar,-1,5.0,"Travel and Transportation, Dining and Drinking"\n'
        "v,3.2,101.8,Road,-1,5.0,Travel and Transportation\n"
        "w,3.2,101.8,Tex-Mex Restaurant-Shabu-Shabu Restaurant,-1,5.0,Dining and Drinking\n",
    )
    raw = ContextTrailsPetalingJaya(str(tmp_path)).read()
    assert raw.items["category"].tolist() == ["Road", "", "Road", "Road", "Tex-Mex Restaurant"]
    assert raw.items["categories"].tolist()[-1] == "Tex-Mex Restaurant, Shabu-Shabu Restaurant"
    assert raw.items["category_group"].tolist() == [
        "Dining and Drinking",
        "",
        "Travel and Transportation",
        "Travel and Transportation",
        "Dining and Drinking",
    ]
    assert raw.interactions["hour"].tolist() == [0, 4]
    assert raw.interactions["weekday"].tolist() == [2, 2]
    assert raw.items["price"].tolist()[0] == 2
    assert np.isnan(raw.items["price"].tolist()[1])


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Bar", ["Bar"]),
        ("Café-Ice Cream Parlor", ["Café", "Ice Cream Parlor"]),
        ("Drive-in Theater-Pop-Up Shop", ["Drive-in Theater", "Pop-Up Shop"]),
        ("Bar-Shabu-Shabu Restaurant-Non-Profit", ["Bar", "Shabu-Shabu Restaurant", "Non-Profit"]),
        ("Duty-free Shop-Gluten-free Restaurant", ["Duty-free Shop", "Gluten-free Restaurant"]),
    ],
)
def test_names_with_hyphens_stay_whole(text, names):
    assert BETWEEN_NAMES.split(text) == names


def test_foursquare_phoenix(tmp_path):
    write(
        tmp_path / "foursquare_phoenix/PHO_checkin.csv.gz",
        "user_id,POI_id,time_offset,UTC_time\n5,x,-420,2012/4/3 18:23\n5,x,-420,2012/4/3 6:05\n",
    )
    write(
        tmp_path / "foursquare_phoenix/PHO_POI.csv.gz",
        "POI_id,POI_catname,POI_catname_,latitude,longitude\nx,Sandwich Place,Food,33.4,-112.0\n",
    )
    raw = FoursquarePhoenix(str(tmp_path)).read()
    assert raw.interactions["hour"].tolist() == [11, 23]
    assert raw.interactions["weekday"].tolist() == [1, 0]
    assert raw.items["category_group"].tolist() == ["Food"]


def test_tsmc2014(tmp_path):
    write(
        tmp_path / "raw.txt",
        "470\t49bb\t4bf5\tArts & Crafts Store\t40.71\t-74.00\t-240\tTue Apr 03 18:00:09 +0000 2012\n"
        '979\t4a43\t4bf5\tCaf\xe9 "Bridge"\t40.60\t-74.04\t-240\tTue Apr 03 01:00:25 +0000 2012\n',
        encoding="latin-1",
    )
    raw = TSMC2014("raw.txt", root=str(tmp_path)).read()
    assert raw.items["category"].tolist() == ["Arts & Crafts Store", 'Caf\xe9 "Bridge"']
    assert raw.interactions["hour"].tolist() == [14, 21]
    assert raw.interactions["weekday"].tolist() == [1, 0]
    write(tmp_path / "bad.txt", "470\t49bb\t4bf5\tBar\t40.71\t-74.00\t-240\tTue Apr 33 18:00:09 +0000 2012\n")
    with pytest.raises(LgsidError, match=r"bad.txt: column time: data row 1: time 'Tue Apr 33 .* does not follow"):
        TSMC2014("bad.txt", root=str(tmp_path)).read()


def test_missing_public_data_names_the_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("LGSID_DATA", str(tmp_path))
    with pytest.raises(LgsidError, match=r"checkins.csv.gz: no such file; .* LGSID_DATA"):
        FoursquareNYC().read()


PLACES = {
    "poi": [1, 2],
    "latitude": [52.5, 52.6],
    "lon": ["13.4", "13.5"],
    "name": ["NA", None],
    "region_1": ["M", "P"],
}


def test_table_source_maps_columns(tmp_path):
    pd.DataFrame({**PLACES, "cost": [3, 4], "noise": [0, 0]}).to_csv(tmp_path / "p.csv.gz", index=False)
    log = pd.DataFrame({"who": ["a", "b"], "poi": [1, 2], "at": ["2024-01-01 12:00", "2024-07-01T12:00:00+00:00"]})
    log.to_csv(tmp_path / "l.csv", index=False)
    source = TableSource(
        "p.csv.gz",
        "l.csv",
        item_columns={"item_id": "poi", "lat": "latitude", "price": "cost"},
        interaction_columns={"user_id": "who", "item_id": "poi", "time": "at"},
        root=str(tmp_path),
        time_zone="Europe/Berlin",
    )
    raw = source.read()
    assert raw.items.columns.tolist() == ["item_id", "lat", "lon", "price", "name", "region_1"]
    assert raw.items["name"].tolist() == ["NA", ""]
    assert raw.items["item_id"].tolist() == ["1", "2"]
    assert raw.interactions["time"].tolist() == [
        pd.Timestamp("2024-01-01 11:00", tz="UTC"),  # without an offset: in the zone of the city
        pd.Timestamp("2024-07-01 12:00", tz="UTC"),
    ]
    assert raw.interactions["hour"].tolist() == [12, 14]


def test_table_source_takes_data_frames(tmp_path):
    log = pd.DataFrame({"who": ["a", "b"], "poi": [1, 2], "time": ["2024-01-01T12:00Z", "2024-07-01T12:00Z"]})
    places = pd.DataFrame(PLACES)
    places.to_csv(tmp_path / "p.csv", index=False)
    log.to_csv(tmp_path / "l.csv", index=False)
    columns = {
        "item_columns": {"item_id": "poi", "lat": "latitude"},
        "interaction_columns": {"user_id": "who", "item_id": "poi"},
    }
    source = TableSource(places.set_index(pd.Index([7, 3])), log, **columns)
    of_frames, of_files = source.read(), TableSource(tmp_path / "p.csv", tmp_path / "l.csv", **columns).read()
    pd.testing.assert_frame_equal(of_frames.items, of_files.items)
    pd.testing.assert_frame_equal(of_frames.interactions, of_files.interactions)
    assert source.files() == []
    with pytest.raises(LgsidError, match=r"data frame of interactions: missing column user_id"):
        TableSource(places, log, columns["item_columns"], {"item_id": "poi"}).read()


@pytest.mark.parametrize(
    ("times", "options"),
    [
        (pd.to_datetime(["2024-05-01 10:00:00", "2024-05-02 11:00:00"]), {}),
        (pd.to_datetime(["2024-05-01 10:00:00", "2024-05-02 11:00:00"], utc=True), {}),
        ([1714557600, 1714647600], {"time_unit": "s"}),
        ([1714557600000, 1714647600000], {"time_unit": "ms"}),
        (["01.05.2024 10:00", "02.05.2024 11:00"], {"time_format": "%d.%m.%Y %H:%M"}),
    ],
)
def test_table_source_reads_parquet_and_times(tmp_path, times, options):
    pd.DataFrame({"item_id": [1.0, 2.0], "lat": [52.5, 52.6], "lon": [13.4, 13.5]}).to_parquet(tmp_path / "p.parquet")
    pd.DataFrame({"user_id": [8, 9], "item_id": [1, 2], "time": times}).to_parquet(tmp_path / "l.parquet")
    raw = TableSource("p.parquet", "l.parquet", root=str(tmp_path), **options).read()
    assert raw.items["item_id"].tolist() == raw.interactions["item_id"].tolist() == ["1", "2"]
    assert raw.interactions["hour"].tolist() == [10, 11]
    assert raw.interactions["weekday"].tolist() == [2, 3]


def test_the_hours_that_a_clock_skips_and_repeats(tmp_path):
    pd.DataFrame({"item_id": [1], "lat": [52.5], "lon": [13.4]}).to_csv(tmp_path / "p.csv", index=False)
    log = pd.DataFrame({"user_id": [1, 1], "item_id": [1, 1], "time": ["2024-03-31T02:30:00", "2024-10-27T02:30:00"]})
    log.to_csv(tmp_path / "l.csv", index=False)
    raw = TableSource("p.csv", "l.csv", root=str(tmp_path), time_zone="Europe/Berlin").read()
    assert raw.interactions["time"].dt.strftime("%H:%M").tolist() == ["01:00", "00:30"]
