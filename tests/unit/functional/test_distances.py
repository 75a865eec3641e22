"""Distances on the sphere against closed forms and each other."""

import math

import numpy as np
import pytest
import torch

from lgsid.functional.distances import EARTH_RADIUS_M, chord_to_m, earth_centered_km, haversine_m, unit_vectors

QUARTER_M = math.pi / 2 * EARTH_RADIUS_M


def haversine(*degrees):
    return float(haversine_m(*(torch.tensor(angle) for angle in degrees)))


def test_axes_are_those_of_geodesy():
    found = unit_vectors([0.0, 0.0, 90.0, -90.0], [0.0, 90.0, 30.0, 0.0])
    np.testing.assert_allclose(found, [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, -1]], atol=1e-15)
    assert unit_vectors(np.float32([[1.0, 2.0]]), np.float32([[3.0, 4.0]])).dtype == np.float64
    lat, lon = torch.tensor([10.0, -50.0, 89.0], dtype=torch.float64), torch.tensor([-70.0, 20.0, 179.0]).double()
    km = earth_centered_km(lat, lon)
    np.testing.assert_allclose(km.numpy(), unit_vectors(lat, lon) * EARTH_RADIUS_M / 1000)


@pytest.mark.parametrize(
    ("degrees", "meters"),
    [
        ((0.0, 0.0, 0.0, 90.0), QUARTER_M),
        ((0.0, 10.0, 90.0, -120.0), QUARTER_M),
        ((0.0, -90.0, 0.0, 90.0), 2 * QUARTER_M),
        ((-90.0, 0.0, 90.0, 0.0), 2 * QUARTER_M),
        ((60.0, 0.0, 60.0, 180.0), 60 / 90 * QUARTER_M),  # over the pole
        ((12.0, 34.0, 12.0, 34.0), 0.0),
    ],
)
def test_arcs_of_known_length(degrees, meters):
    assert haversine(*degrees) == pytest.approx(meters, rel=1e-9)
    chord = np.linalg.norm(unit_vectors(*degrees[:2]) - unit_vectors(*degrees[2:]))
    assert chord_to_m(chord) == pytest.approx(meters, rel=1e-7)


def test_near_places_keep_their_distance_and_shapes_broadcast():
    lat = torch.tensor([[40.7], [40.7001]], dtype=torch.float64)
    lon = torch.tensor([-74.0, -74.0001, -74.0], dtype=torch.float64)
    found = haversine_m(lat, lon[0], lat[0], lon)
    assert (found.shape, found.dtype) == ((2, 3), torch.float64)
    meter_lat, meter_lon = math.radians(1e-4) * EARTH_RADIUS_M, math.radians(1e-4) * EARTH_RADIUS_M
    meter_lon *= math.cos(math.radians(40.7))
    both = math.hypot(meter_lat, meter_lon)
    expected = [[0, meter_lon, 0], [meter_lat, both, meter_lat]]
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=1e-6)
    assert haversine_m(lat.float(), lon.float(), lat.float(), lon[:1].float()).dtype == torch.float64


def test_a_chord_longer_than_the_diameter_is_half_the_way_around():
    assert chord_to_m([2.0 + 1e-12, 0.0, -1e-18]) == pytest.approx([2 * QUARTER_M, 0.0, 0.0])
    assert chord_to_m(math.sqrt(2.0)) == pytest.approx(QUARTER_M)
