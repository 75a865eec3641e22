import pytest
import torch
from lgsid_h3 import H3GeoEncoder

from lgsid import plugins
from lgsid.errors import LgsidError
from lgsid.testing import GeoEncoderContract


class TestContract(GeoEncoderContract):
    resolution_m = 70.0  # more than the width of a cell of resolution 11

    def make(self):
        return H3GeoEncoder()


def positions(*pairs):
    values = torch.tensor(pairs, dtype=torch.float64)
    return values[:, 0], values[:, 1]


def test_it_is_listed_and_has_its_short_name():
    listed = {p.name: p for p in plugins.available("geo_encoders")}
    assert listed["H3GeoEncoder"].distribution == "lgsid-h3"
    assert plugins.load()["geo_encoders"]["H3GeoEncoder"] is H3GeoEncoder


def test_nearer_places_are_more_alike():
    lat, lon = positions((40.7580, -73.9855), (40.7583, -73.9852), (40.7680, -73.9819), (40.6413, -73.7781))
    vectors = H3GeoEncoder(width=128)(lat, lon)
    alike = vectors @ vectors[0]
    assert alike[0] == pytest.approx(1.0, abs=1e-5)
    assert alike[1] > alike[2] > alike[3]


def test_cells_are_hashed_to_independent_directions():
    lat = torch.linspace(-60, 60, 40, dtype=torch.float64)
    vectors = H3GeoEncoder(resolutions=(5,), width=512, ring_weight=0.0)(lat, lat)
    others = (vectors @ vectors.T - torch.eye(40)).abs()
    assert others.max() < 0.25


def test_pentagons_and_the_date_line():
    lat, lon = positions((64.7, 10.536), (0.0, 180.0), (0.0, -180.0), (90.0, 0.0))
    vectors = H3GeoEncoder(resolutions=(0, 3))(lat, lon)
    assert torch.isfinite(vectors).all()
    assert torch.allclose(vectors[1], vectors[2])


def test_no_places():
    empty = torch.empty(0, dtype=torch.float64)
    assert H3GeoEncoder(width=4, resolutions=(5,))(empty, empty).shape == (0, 4)


@pytest.mark.parametrize("options", [{"resolutions": (16,)}, {"width": 0}, {"ring_weight": 2.0}])
def test_wrong_options(options):
    with pytest.raises(LgsidError, match="H3GeoEncoder"):
        H3GeoEncoder(**options)
