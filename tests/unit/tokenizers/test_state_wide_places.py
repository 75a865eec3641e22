"""Places of a whole state with a dense city in it: first codes stay together, where a fixed wavelength would fold."""

import numpy as np
import pytest
import torch

from lgsid.functional.residual import nearest
from lgsid.functional.sids import within_group_km
from lgsid.geo import FourierGeoEncoder, LocalMetresGeoEncoder
from lgsid.quantizers import RQKMeans, kmeans_centroids
from lgsid.tokenizers import HierTokenizer
from lgsid.typing import DataShape, ItemBatch

KM_PER_DEGREE = 111.195
SIDE_KM = 500.0
CODES = 96


@pytest.fixture(scope="module")
def state():
    """2,400 places: half in a city, a quarter in towns, a quarter anywhere; and which are in the city."""
    rng = np.random.default_rng(0)
    towns = rng.uniform(-0.5, 0.5, (40, 2)) * SIDE_KM
    in_towns = towns[rng.integers(len(towns), size=600)] + rng.normal(0, 3, (600, 2))
    anywhere = rng.uniform(-0.5, 0.5, (600, 2)) * SIDE_KM
    in_city = np.array([0.25, 0.2]) * SIDE_KM + rng.normal(0, 6, (1200, 2))
    km = np.concatenate([in_towns, anywhere, in_city])
    lat = 42.0 + km[:, 1] / KM_PER_DEGREE
    lon = -75.0 + km[:, 0] / KM_PER_DEGREE / np.cos(np.radians(lat))
    return torch.from_numpy(lat), torch.from_numpy(lon), torch.arange(2400) >= 1200


def first_codes(encoder, lat, lon):
    n, none = len(lat), torch.zeros(len(lat), dtype=torch.int64)
    ids, region = np.array([f"{row:04d}" for row in range(n)], dtype=object), none.new_zeros(n, 0)
    items = ItemBatch(torch.arange(n), ids, lat, lon, region, none, none, none, torch.ones(n, 2))
    tokenizer = HierTokenizer((CODES, 2), RQKMeans(), encoder)
    tokenizer.ensure_built(DataShape(n, 0, (), 1, 1, 1, 2))
    with torch.no_grad():
        tokenizer.fit_codebooks(items)
        return tokenizer.primary(items)


def mean_km(lat, lon, codes):
    return float(within_group_km(lat, lon, codes).mean())


def in_meters(lat, lon, n_codes):
    """The nearest to a yardstick: k-means on the plane, with as many codes."""
    encoder = LocalMetresGeoEncoder()
    encoder.fit(lat, lon)
    plane = encoder(lat, lon)
    return nearest(plane, kmeans_centroids(plane, n_codes, 0))


def test_places_of_one_first_code_lie_together_in_the_state_and_in_the_city(state):
    lat, lon, in_city = state
    codes = first_codes(FourierGeoEncoder(min_wavelength_m=200.0), lat, lon)
    for part in (in_city, ~in_city):
        n_codes = len(codes[part].unique())
        assert n_codes > CODES / 4  # each gets a good share of the codes
        yardstick = mean_km(lat[part], lon[part], in_meters(lat[part], lon[part], n_codes))
        assert mean_km(lat[part], lon[part], codes[part]) < 2 * yardstick


def test_fifty_kilometers_would_fold_the_state(state):
    lat, lon, in_city = state
    codes = first_codes(FourierGeoEncoder(min_wavelength_m=200.0, max_wavelength_m=50_000.0), lat, lon)
    rest = ~in_city
    yardstick = mean_km(lat[rest], lon[rest], in_meters(lat[rest], lon[rest], len(codes[rest].unique())))
    assert mean_km(lat[rest], lon[rest], codes[rest]) > 5 * yardstick


def test_codes_of_plain_meters_leave_the_city_in_few_pieces(state):
    lat, lon, in_city = state
    waves, meters = (
        len(first_codes(encoder, lat, lon)[in_city].unique())
        for encoder in (FourierGeoEncoder(min_wavelength_m=200.0), LocalMetresGeoEncoder())
    )
    assert waves > 3 * meters
