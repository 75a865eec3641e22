"""The ground of the map: around every place, cut into regions by the nearest place, without overlap."""

import numpy as np
import pandas as pd
import pytest
import shapely
from shapely.geometry import Point, shape

from lgsid.artefacts import Items
from lgsid.geo.neighbors import nearest_places
from lgsid.serving.page.boundaries import boundaries, built_up, without_holes, without_slivers
from lgsid.testing import toy_city


def items_of(lat, lon, **columns):
    ids = [f"p{row}" for row in range(len(lat))]
    return Items.from_frame(pd.DataFrame({"item_id": ids, "lat": lat, "lon": lon, **columns}))


@pytest.fixture(scope="module")
def city():
    return toy_city().items


def shapes(found, kind, level=None):
    return {
        feature["properties"].get("name"): shape(feature["geometry"])
        for feature in found["features"]
        if feature["properties"]["kind"] == kind and (level is None or feature["properties"]["level"] == level)
    }


def test_every_place_lies_on_the_ground(city):
    ground = shapes(boundaries(city), "ground")[None]
    assert all(ground.contains(Point(lon, lat)) for lat, lon in zip(city.lat_deg, city.lon_deg, strict=True))


@pytest.mark.parametrize("level", [1, 2])
def test_a_point_of_the_ground_is_in_the_region_of_the_nearest_place(city, level):
    found = boundaries(city)
    regions, names = shapes(found, "region", level), city.texts(city.region_columns[level - 1])
    west, south, east, north = shapes(found, "ground")[None].bounds
    rng = np.random.default_rng(0)
    lat, lon = rng.uniform(south, north, 400), rng.uniform(west, east, 400)
    rows, _ = nearest_places(city.lat_deg, city.lon_deg, 2, lat, lon)
    agreeing, inside = 0, 0
    for at, (first, second) in zip(zip(lon, lat, strict=True), rows, strict=True):
        holding = {name for name, area in regions.items() if area.contains(Point(*at))}
        inside += bool(holding)
        agreeing += bool(holding & {names[first], names[second]})  # borders are smoothed by some meters
    assert inside > 100
    assert agreeing >= 0.98 * inside


def test_regions_of_a_level_overlap_in_their_smoothed_borders_only(city):
    areas = list(shapes(boundaries(city), "region", 1).values())
    whole = sum(area.area for area in areas)
    assert whole - shapely.union_all(areas).area < 0.02 * whole


def test_labels_lie_in_their_regions_and_counts_are_those_of_the_items(city):
    found = boundaries(city)
    for feature in found["features"]:
        told = feature["properties"]
        assert shape(feature["geometry"]).buffer(1e-4).contains(Point(told["label"]))
        if told["kind"] == "region":
            assert told["places"] == (city.texts(f"region_{told['level']}") == told["name"]).sum()


def test_places_without_a_position_take_no_part():
    lat, lon = [45.0, 45.01, np.nan], [7.0, 7.01, np.nan]
    some = boundaries(items_of(lat, lon, region_1=["a", "a", "b"]))
    assert set(shapes(some, "region")) == {"a"}
    assert boundaries(items_of([np.nan], [np.nan]))["features"] == []


@pytest.mark.parametrize("at", [[(45.0, 7.0)], [(45.0, 7.0)] * 3, [(45.0, 179.999), (45.0, -179.999)]])
def test_few_places_and_equal_ones(at):
    lat, lon = map(list, zip(*at, strict=True))
    found = boundaries(items_of(lat, lon, region_1=["a"] * len(lat)))
    ground = shapes(found, "ground")[None]
    assert ground.area > 0
    assert shapes(found, "region")["a"].area == pytest.approx(ground.area, rel=0.05)
    assert ground.bounds[2] - ground.bounds[0] < 0.1


def test_the_reach_follows_from_how_close_places_are():
    grid = np.stack(np.meshgrid(np.arange(8.0), np.arange(8.0)), -1).reshape(-1, 2)
    near, far = built_up(grid * 0.2), built_up(grid * 0.4)
    assert far[1] == pytest.approx(2 * near[1])
    assert far[0].area == pytest.approx(4 * near[0].area, rel=0.05)


def test_small_holes_are_filled_and_slivers_left_out():
    square = shapely.box(0, 0, 10, 10)
    holed = square - shapely.box(1, 1, 2, 2) - shapely.box(4, 4, 7, 7)
    assert without_holes(holed, 4.0).area == pytest.approx(100 - 9)
    parted = shapely.union_all([shapely.box(0, 0, 3, 3), shapely.box(5, 5, 5.1, 5.1)])
    assert without_slivers(parted, 1.0).equals(shapely.box(0, 0, 3, 3))
    assert without_slivers(shapely.box(0, 0, 0.1, 0.1), 1.0).area == pytest.approx(0.01)
