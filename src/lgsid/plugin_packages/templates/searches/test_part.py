"""PartName keeps the contract of a search, and does what it says."""

from part_package import PartName

from lgsid.recommenders import BeamSearch
from lgsid.testing import TreeSearchContract
from lgsid.testing.tree_search_contract import TableScorer


class TestPartName(TreeSearchContract):
    bad_arguments = ({"most": -1},)

    def make(self):
        return PartName()

    def test_it_finds_what_is_at_least_as_probable_as_a_beam_does(self):
        trie, log_prob = self.tree()
        _, beam = BeamSearch().find(trie, TableScorer(trie, log_prob), 3, 1, 5)
        assert bool((self.found(1, 5)[1] >= beam).all())
