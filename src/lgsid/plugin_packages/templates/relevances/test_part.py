"""PartName keeps the contract of a relevance, and does what it says."""

from part_package import PartName

from lgsid.testing import RelevanceContract


class TestPartName(RelevanceContract):
    def make(self):
        return PartName()

    def test_it_is_the_category(self):
        rows, reference = self.rows()
        kind = self.dataset().items.frame["category"].tolist()
        expected = [[float(kind[a] == kind[b]) for b in rows] for a in rows]
        assert self.fitted().between(rows, reference).tolist() == expected
