"""The longest wavelength follows the extent of the data, so that the encoding does not fold."""

import itertools
import logging

import pytest
import torch
import yaml

from lgsid.config.config_files import config_root
from lgsid.functional.distances import haversine_m
from lgsid.geo import FourierGeoEncoder
from lgsid.geo.fourier_geo_encoder import CITY_WAVELENGTH_M, central_radius_m
from lgsid.testing import toy_city

KM_PER_DEGREE = 111.195


def table(height_km, width_km, n=3000, seed=0):
    """Places spread evenly over a rectangle around 42 degrees north."""
    generator = torch.Generator().manual_seed(seed)
    share = torch.rand(2, n, generator=generator, dtype=torch.float64) - 0.5
    lat = 42.0 + share[0] * height_km / KM_PER_DEGREE
    return lat, -100.0 + share[1] * width_km / KM_PER_DEGREE / torch.deg2rad(lat).cos()


def mean_distances(encoder, lat, lon, edges_km):
    """Return the mean distance between vectors of pairs of places, by the distance on the ground."""
    generator = torch.Generator().manual_seed(1)
    first, second = torch.randint(len(lat), (2, 200_000), generator=generator)
    km = haversine_m(lat[first], lon[first], lat[second], lon[second]) / 1000
    apart = (encoder(lat, lon)[first] - encoder(lat, lon)[second]).norm(dim=1)
    return [float(apart[(km >= a) & (km < b)].mean()) for a, b in itertools.pairwise(edges_km)]


def fitted(lat, lon, **options):
    encoder = FourierGeoEncoder(min_wavelength_m=200.0, **options)
    encoder.fit(lat, lon)
    return encoder


def test_a_state_does_not_fold():
    lat, lon = table(450, 420)
    radius_km = central_radius_m(lat, lon, 0.99) / 1000
    assert 280 < radius_km < 310
    edges = torch.linspace(0, radius_km, 8).tolist()
    near_to_far = mean_distances(fitted(lat, lon), lat, lon, edges)
    assert near_to_far == sorted(near_to_far)
    beyond = mean_distances(fitted(lat, lon), lat, lon, [radius_km, 1.5 * radius_km, 2 * radius_km])
    assert min(beyond) > near_to_far[3]  # the far ends are farther than places half a radius apart
    folded = mean_distances(fitted(lat, lon, max_wavelength_m=50_000.0), lat, lon, edges)
    assert folded != sorted(folded)


def test_a_city_keeps_fifty_kilometers():
    items = toy_city().items
    lat, lon = torch.from_numpy(items.lat_deg), torch.from_numpy(items.lon_deg)
    set_to_50_km = fitted(lat, lon, max_wavelength_m=50_000.0)
    assert torch.equal(fitted(lat, lon).frequencies, set_to_50_km.frequencies)
    assert torch.equal(fitted(*table(33, 33)).frequencies, set_to_50_km.frequencies)
    assert not torch.equal(fitted(*table(60, 60)).frequencies, set_to_50_km.frequencies)


def test_stray_places_do_not_stretch_it():
    lat, lon = table(30, 30)
    lat[:10] += 8.0
    longest_m = float((2 * torch.pi / fitted(lat, lon).frequencies.norm(dim=0)).max())
    assert longest_m == pytest.approx(CITY_WAVELENGTH_M)


def test_the_longest_wavelength_is_the_diameter_of_the_data():
    lat, lon = table(900, 10)
    longest_m = float((2 * torch.pi / fitted(lat, lon).frequencies.norm(dim=0)).max())
    assert longest_m == pytest.approx(0.99 * 900_000, rel=0.01)


def test_a_wavelength_that_is_too_short_is_told_in_one_line(caplog):
    lat, lon = table(450, 420)
    with caplog.at_level(logging.WARNING, logger="lgsid"):
        fitted(lat, lon)
        fitted(lat, lon, max_wavelength_m=1e6)
        fitted(*table(30, 30), max_wavelength_m=50_000.0)
    assert not caplog.messages
    with caplog.at_level(logging.WARNING, logger="lgsid"):
        fitted(lat, lon, max_wavelength_m=50_000.0)
    (message,) = caplog.messages
    assert message.startswith("FourierGeoEncoder: max_wavelength_m 50000 is shorter than the ")
    assert "\n" not in message


def test_one_place_and_none():
    place = torch.tensor([42.0], dtype=torch.float64), torch.tensor([-100.0], dtype=torch.float64)
    for lat, lon in (place, (place[0][:0], place[1][:0])):
        assert torch.equal(fitted(lat, lon).frequencies, FourierGeoEncoder(200.0).frequencies)


@pytest.mark.parametrize("name", ["hier", "hier_rqkmeans"])
def test_the_shipped_configs_leave_it_to_the_data(name):
    config = yaml.safe_load((config_root() / f"tokenizer/{name}.yaml").read_text(encoding="utf-8"))
    arguments = config["model"]["init_args"]["geo_encoder"]["init_args"]
    assert arguments == {"min_wavelength_m": 200.0}
