"""The places by column, as the page reads them."""

import json

import numpy as np
import pandas as pd
import pytest

from lgsid.artefacts import Items, SemanticIDs
from lgsid.plots.map_window import local_km
from lgsid.plots.palette import CATEGORICAL
from lgsid.serving.page.city_page import city_page
from lgsid.serving.page.place_table import place_table
from lgsid.testing import toy_city


@pytest.fixture(scope="module")
def city():
    return toy_city()


def sids_of(items, sizes, seed=0):
    rng = np.random.default_rng(seed)
    return SemanticIDs(items.ids, np.stack([rng.integers(0, size, len(items)) for size in sizes], 1), sizes)


def test_columns_say_what_the_items_say(city):
    items = city.items
    sids = sids_of(items, (5, 4, 7))
    told = json.loads(json.dumps(place_table(items, {"made": sids}), allow_nan=False))
    for row in range(len(items)):
        place = items.frame.iloc[row]
        assert (told["id"][row], told["name"][row]) == (place["item_id"], place["name"])
        assert told["lat"][row] == pytest.approx(place["lat"], abs=1e-6)
        assert told["category"]["names"][told["category"]["code"][row]] == place["category"]
        assert told["group"]["names"][told["group"]["code"][row]] == place["category_group"]
        for column, region in zip(items.region_columns, told["regions"], strict=True):
            assert region["names"][region["code"][row]] == place[column]
        assert [level[row] for level in told["sids"][0]["codes"]] == sids.codes[row].tolist()
    west, south, east, north = told["bounds"]
    inside = (items.lat_deg >= south) & (items.lat_deg <= north) & (items.lon_deg >= west) & (items.lon_deg <= east)
    assert inside.mean() > 0.9


def test_first_codes_beside_each_other_differ_in_color(city):
    items = city.items
    xy = local_km(items.lat_deg, items.lon_deg)
    cells = np.floor((xy - xy.min(0)) / np.ptp(xy, axis=0) * 4.999).astype(np.int64)
    first = cells @ [5, 1]
    sids = SemanticIDs(items.ids, first[:, None], (25,))
    colors = np.array(place_table(items, {"grid": sids})["sids"][0]["colors"])
    assert ((colors >= 0) & (colors < len(CATEGORICAL))).all()
    for a in np.unique(first):
        centers = {b: np.linalg.norm(xy[first == a].mean(0) - xy[first == b].mean(0)) for b in np.unique(first)}
        for b in sorted(centers, key=centers.__getitem__)[1:5]:
            assert colors[a] != colors[b]


def test_an_item_without_codes_gets_none(city):
    items = city.items
    some = SemanticIDs(items.ids[2:], np.arange(len(items) - 2)[:, None] % 3, (3,))
    (level,) = place_table(items, {"some": some})["sids"][0]["codes"]
    assert level[:2] == [None, None]
    assert None not in level[2:]


def test_unknown_positions_are_null_and_take_no_part():
    frame = pd.DataFrame({"item_id": ["a", "b"], "lat": [45.0, np.nan], "lon": [7.0, np.nan]})
    items = Items.from_frame(frame)
    told = place_table(items, {"one": SemanticIDs(items.ids, np.array([[0], [1]]), (2,))})
    assert told["lat"] == [45.0, None]
    assert told["bounds"] == [7.0, 45.0, 7.0, 45.0]
    nowhere = place_table(items.take(np.array([1])), {})
    assert nowhere["bounds"] is None


def test_a_set_in_a_file_names_that_of_a_model(city):
    items = city.items
    ours, other = sids_of(items, (5, 4)), sids_of(items, (5, 4), seed=1)
    shuffled = np.random.default_rng(0).permutation(len(items))
    same = SemanticIDs(ours.item_ids[shuffled], ours.codes[shuffled], ours.codebook_sizes)
    models = {"a": same, "b": sids_of(items, (3, 3), seed=2), "floor": None}
    closed = {"a": [str(items.ids[4]), str(items.ids[1])]}
    told = city_page(city, models, {"a": "first"}, closed, {"tokenize": ours, "random": other})
    assert [(model["name"], model["sids"]) for model in told["models"]] == [
        ("a", "tokenize"),
        ("b", "b"),
        ("floor", None),
    ]
    assert [model["generation"] for model in told["models"]] == ["first", "", ""]
    assert [model["closed"] for model in told["models"]] == [[1, 4], [], []]
    assert [found["name"] for found in told["sids"]] == ["tokenize", "random", "b"]
    taken = city_page(city, {"random": ours}, {}, {}, {"random": other})
    assert [found["name"] for found in taken["sids"]] == ["random", "random (served)"]
    assert taken["models"][0]["sids"] == "random (served)"
    last = city.interactions.frame["time"].max()
    assert told["end"][:4] == str(last.year)
    assert told["example_user"] in {str(user) for user in city.user_ids}
