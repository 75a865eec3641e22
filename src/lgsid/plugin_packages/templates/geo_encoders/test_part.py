"""PartName keeps the contract of a geo encoder, and does what it says."""

import pytest
import torch
from part_package import PartName

from lgsid.testing import GeoEncoderContract


class TestPartName(GeoEncoderContract):
    bad_arguments = ({"n_landmarks": 2},)

    def make(self):
        return PartName()


def test_a_landmark_is_no_distance_from_itself_and_half_a_turn_is_a_diameter():
    encoder = PartName(3)
    lat, lon = torch.zeros(3, dtype=torch.float64), torch.tensor([0.0, 180.0, 90.0], dtype=torch.float64)
    encoder.fit(lat, lon)
    assert encoder(lat, lon)[0].tolist() == pytest.approx([0.0, 2 * 6371.0088, 2**0.5 * 6371.0088], rel=1e-6)
