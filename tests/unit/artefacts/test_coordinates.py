"""Exchanged coordinates: what tells them, and what cannot."""

import numpy as np
import pytest

from lgsid.artefacts.coordinates import (
    check_bounds,
    check_coordinates,
    great_circle_km,
    missing_coordinates,
    places_of_zones,
)
from lgsid.errors import LgsidError

NEW_YORK, BERLIN, SAO_PAULO = (40.7, -74.0), (52.5, 13.4), (-23.5, -46.6)
BERLIN_BOUNDS = {"south": 52.3, "west": 13.0, "north": 52.7, "east": 13.8}


def around(city, n=50):
    rng = np.random.default_rng(0)
    return city[0] + rng.normal(0, 0.05, n), city[1] + rng.normal(0, 0.05, n)


@pytest.mark.parametrize(
    ("city", "options", "message"),
    [
        (NEW_YORK, {}, "most places are where nobody lives .* exchange the two columns"),
        ((34.0, -118.2), {}, "latitude -118.* look swapped"),
        (BERLIN, {"time_zone": "Europe/Berlin"}, "km from Europe/Berlin, exchanged"),
        (SAO_PAULO, {"time_zone": "America/Sao_Paulo"}, "look swapped"),
        ((41.0, 29.0), {"time_zone": "Europe/Istanbul"}, "look swapped"),
        (BERLIN, {"bounds": BERLIN_BOUNDS}, "data rows 1, 2, 3 and 47 more: latitude .* look swapped"),
    ],
)
def test_exchanged_columns_are_told(city, options, message):
    lat, lon = around(city)
    check_coordinates(lat, lon, "places.csv", **options)
    with pytest.raises(LgsidError, match=message):
        check_coordinates(lon, lat, "places.csv", **options)


@pytest.mark.parametrize("city", [BERLIN, SAO_PAULO, (41.0, 29.0)])
def test_what_nothing_tells_is_stated_and_passes(city):
    """In range, at inhabited latitudes, without bounds and time zone: another place of the world might be meant."""
    lat, lon = around(city)
    check_coordinates(lon, lat, "places.csv")


def test_no_zone_is_taken_for_its_own_exchange():
    """Places at the main city of any zone pass, and its exchange is told unless it lies within 1,500 km."""
    places_of_zones.cache_clear()  # read now, not by an earlier test
    zones = places_of_zones()
    assert len(zones) > 400
    assert zones["America/New_York"] == pytest.approx((40.7142, -74.0064), abs=1e-3)
    assert zones["Australia/Adelaide"] == pytest.approx((-34.9167, 138.5833), abs=1e-3)
    told = []
    for zone, (lat, lon) in zones.items():
        if abs(lat) < 1e-9 or not -56 <= lat <= 79:
            continue
        places = np.array([lat]), np.array([lon])
        check_coordinates(*places, "x", time_zone=zone)
        far = abs(lon) > 90 or great_circle_km(np.array([lon]), np.array([lat]), lat, lon)[0] > 1500
        try:
            check_coordinates(*places[::-1], "x", time_zone=zone)
            told.append((far, False))
        except LgsidError:
            told.append((far, True))
    assert all(found for far, found in told if far)
    assert sum(found for _, found in told) > 0.8 * len(told)


def test_a_place_outside_the_bounds_is_named():
    lat, lon = around(BERLIN)
    lat[6] += 1
    with pytest.raises(LgsidError, match=r"data row 7: latitude 53.*outside the declared bounds"):
        check_coordinates(lat, lon, "places.csv", bounds=BERLIN_BOUNDS)


def test_bounds_may_cross_the_180th_meridian():
    fiji = {"south": -20.0, "west": 176.0, "north": -12.0, "east": -178.0}
    check_coordinates(np.array([-18.0, -18.0]), np.array([178.0, -179.0]), "x", bounds=fiji)
    with pytest.raises(LgsidError, match="outside"):
        check_coordinates(np.array([-18.0]), np.array([170.0]), "x", bounds=fiji)


@pytest.mark.parametrize(
    "bounds",
    [
        {},
        {"south": 1.0, "north": 2.0, "west": 3.0},
        {"south": 2.0, "north": 1.0, "west": 3.0, "east": 4.0},
        {"south": 1.0, "north": 91.0, "west": 3.0, "east": 4.0},
        {"south": 1.0, "north": float("nan"), "west": 3.0, "east": 4.0},
        {"south": 1.0, "north": 2.0, "west": 3.0, "east": 4.0, "up": 5.0},
    ],
)
def test_bounds_that_are_none(bounds):
    with pytest.raises(LgsidError, match="expected south, west, north and east in degrees"):
        check_bounds(bounds)


def test_longitudes_around_the_globe_get_a_hint():
    with pytest.raises(LgsidError, match=r"longitude 286 is outside .* subtract 360"):
        check_coordinates(np.array([40.7, 48.8]), np.array([286.0, 2.3]), "x")
    with pytest.raises(LgsidError, match=r"longitude 181 is outside .*are the values degrees"):
        check_coordinates(np.array([40.7, 48.8]), np.array([181.0, -2.3]), "x")


def test_unknown_coordinates_are_missing_numbers_and_the_same_special_number_twice():
    nan = float("nan")
    known = [(40.0, -74.0), (0.0, 9.0), (9.0, 0.0), (-1.0, 0.0), (9.0, 9.0)]
    unknown = [(nan, 1.0), (1.0, nan), (nan, nan), (0.0, 0.0), (-1.0, -1.0), (999.0, 999.0), (-9999.0, -9999.0)]
    lat, lon = zip(*known, *unknown, strict=True)
    assert missing_coordinates(lat, lon).tolist() == [False] * len(known) + [True] * len(unknown)


def test_the_places_of_the_real_world_pass():
    for city in (NEW_YORK, BERLIN, SAO_PAULO, (78.2, 15.6), (-54.9, -67.6), (64.1, -21.9)):
        check_coordinates(*around(city), "x")
