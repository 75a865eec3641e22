"""The command keeps the contract of commands, and does what it says."""

import pytest
from part_package import part_name

from lgsid.artefacts import Dataset
from lgsid.errors import LgsidError
from lgsid.testing import CommandContract
from lgsid.testing.toy_city import toy_dataset_folder


class TestPartName(CommandContract):
    words = (toy_dataset_folder(), "40.7", "-74.0", "-k", "3")

    def make(self):
        return part_name


def test_the_nearest_place_to_a_place_is_itself():
    items = Dataset.read(toy_dataset_folder()).items
    lines = part_name(toy_dataset_folder(), items.lat_deg[7], items.lon_deg[7], k=2).splitlines()
    assert lines[0] == f"{items.ids[7]} 0.000 km"
    assert len(lines) == 2


def test_a_bad_argument_is_one_line():
    with pytest.raises(LgsidError, match="-k"):
        part_name(toy_dataset_folder(), 40.0, -74.0, k=0)
