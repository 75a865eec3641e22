"""PartName keeps the contract of a data module, and does what it says."""

from part_package import PartName

from lgsid.datamodules import SequenceData
from lgsid.testing import DataModuleContract, toy_city
from lgsid.testing.toy_city import toy_dataset_folder


class TestPartName(DataModuleContract):
    bad_arguments = ({"share": 0.0},)

    def make(self):
        return PartName(toy_dataset_folder())


def test_the_latest_share_is_served():
    some, every = PartName(toy_city(), share=0.25), SequenceData(toy_city())
    some.setup()
    every.setup()
    queries = every.queries("train")
    assert some.queries("train").tolist() == queries[-round(len(queries) / 4) :].tolist()
    assert some.queries("test").tolist() == every.queries("test").tolist()
