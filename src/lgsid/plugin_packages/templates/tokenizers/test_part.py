"""PartName keeps the contract of a tokenizer, and does what it says."""

from part_package import PartName

from lgsid.testing import TokenizerContract
from lgsid.testing.tokenizer_contract import item_table, toy_items


class TestPartName(TokenizerContract):
    max_epochs = 1
    bad_arguments = ({"codebook_sizes": [4]},)

    def make(self):
        return PartName([4, 4])

    def test_a_place_farther_north_has_no_smaller_first_code(self):
        data = toy_items()
        codes, lat = self.sids(data).codes, item_table(data).items.lat_deg
        assert (codes[lat.argsort(), 0][1:] >= codes[lat.argsort(), 0][:-1]).all()
        assert sorted(set(codes[:, 0])) == [0, 1, 2, 3]
