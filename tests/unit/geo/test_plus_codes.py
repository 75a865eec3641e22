"""Plus Codes cells, bearings and mean positions: against codes by hand, naive formulas and closed forms."""

import math

import numpy as np
import pytest
import torch

from lgsid.errors import LgsidError
from lgsid.functional.distances import bearing_rad
from lgsid.geo import PlusCodeGeoEncoder
from lgsid.geo.mean_positions import mean_positions
from lgsid.geo.plus_code_geo_encoder import CELLS_PER_DEGREE, cells

ALPHABET = "23456789CFGHJMPQRVWX"


def plus_code(lat, lon, digits):
    """The first digits of a Plus Code, pair by pair, in whole units of 1/8000 degree."""
    lat, lon = math.floor((lat + 90) * 8000), math.floor((lon + 180) * 8000)
    code = ""
    for size in (160_000, 8_000, 400, 20, 1)[: digits // 2]:
        code += ALPHABET[lat // size % 20] + ALPHABET[lon // size % 20]
    return code


def tensor(*values):
    return torch.tensor(values, dtype=torch.float64)


def test_the_code_by_hand_is_the_published_one():
    assert plus_code(47.365590, 8.524997, 10) == "8FVC9G8F6X"


@pytest.mark.parametrize("digits", [4, 6, 8, 10])
def test_positions_share_a_cell_if_and_only_if_they_share_a_code(digits):
    rng = np.random.default_rng(digits)
    spread = {4: 3.0, 6: 0.15, 8: 0.008, 10: 0.0004}[digits]
    lat, lon = 40.7 + spread * rng.random(60), -74.0 + spread * rng.random(60)
    codes = np.array([plus_code(*place, digits) for place in zip(lat, lon, strict=True)])
    found = cells(torch.from_numpy(lat), torch.from_numpy(lon), CELLS_PER_DEGREE[digits]).numpy()
    same = codes[:, None] == codes
    assert np.array_equal(same, found[:, None] == found)
    assert 60 < same.sum() < 3600
    vectors = PlusCodeGeoEncoder((digits,))(torch.from_numpy(lat), torch.from_numpy(lon))
    assert np.array_equal(same, (torch.cdist(vectors, vectors) < 1e-3).numpy())


def test_distance_tells_how_many_cells_are_shared():
    encoder = PlusCodeGeoEncoder(width=512)
    lat, lon = tensor(40.70001, 40.70001 + 1 / 4000, 40.70001 + 1 / 50, 44.0), tensor(*[-73.99999] * 4)
    apart = (encoder(lat[1:], lon[1:]) - encoder(lat[:1], lon[:1])).norm(dim=1)
    torch.testing.assert_close(apart, torch.tensor([1 / 3, 2 / 3, 1.0]).sqrt(), atol=0.05, rtol=0.0)


def test_poles_belong_to_the_cells_beside_them():
    lat, lon = tensor(90.0, 89.99999, -90.0), tensor(5.0, 5.0, 5.0)
    found = cells(lat, lon, 20)
    assert found[0] == found[1] != found[2]


def test_seeds_differ_and_mistakes_are_one_clear_line():
    here = tensor(40.7), tensor(-74.0)
    assert not torch.equal(PlusCodeGeoEncoder()(*here), PlusCodeGeoEncoder(seed=1)(*here))
    with pytest.raises(LgsidError, match=r"PlusCodeGeoEncoder: digits must be some of 4, 6, 8 and 10, got \[7\]"):
        PlusCodeGeoEncoder([7])
    with pytest.raises(LgsidError, match="width must be at least 1, got 0"):
        PlusCodeGeoEncoder(width=0)


def test_bearings_of_the_compass():
    there = tensor(1.0, 0.0, -1.0, 0.0, 0.0), tensor(0.0, 1.0, 0.0, -1.0, 0.0)
    found = bearing_rad(tensor(0.0), tensor(0.0), *there)
    torch.testing.assert_close(found, tensor(0.0, math.pi / 2, math.pi, -math.pi / 2, 0.0))


def test_bearings_against_the_textbook_formula_far_and_against_the_plane_near():
    rng = np.random.default_rng(0)
    lat, lon, other_lat, other_lon = (torch.from_numpy(60 * rng.random(50)) for _ in range(4))
    a, b, turn = lat.deg2rad(), other_lat.deg2rad(), (other_lon - lon).deg2rad()
    expected = torch.atan2(b.cos() * turn.sin(), a.cos() * b.sin() - a.sin() * b.cos() * turn.cos())
    torch.testing.assert_close(bearing_rad(lat, lon, other_lat, other_lon), expected)
    angle = torch.from_numpy(np.linspace(-3, 3, 20))
    step = 1e-9  # a tenth of a millimeter
    north, east = step * angle.cos(), step * angle.sin() / math.cos(math.radians(40.7))
    found = bearing_rad(tensor(40.7), tensor(-74.0), 40.7 + north, -74.0 + east)
    torch.testing.assert_close(found, angle, atol=1e-4, rtol=0.0)


def test_mean_positions_cross_the_date_line_and_fall_back():
    found = mean_positions(tensor(10.0, 12.0, 50.0), tensor(179.0, -179.0, 20.0), torch.tensor([0, 0, 2]), 3)
    torch.testing.assert_close(found[0].abs(), tensor(11.0, 180.0), atol=0.01, rtol=0.0)
    torch.testing.assert_close(found[2], tensor(50.0, 20.0))
    together = mean_positions(tensor(10.0, 12.0, 50.0), tensor(179.0, -179.0, 20.0), torch.zeros(3).long(), 1)
    torch.testing.assert_close(found[1], together[0])
