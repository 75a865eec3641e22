"""lgsid's own samplers of negatives keep the contract."""

from lgsid.datamodules import MatchedNegatives, PopularityNegatives
from lgsid.testing import NegativeSamplerContract


class TestMatchedNegatives(NegativeSamplerContract):
    def make(self):
        return MatchedNegatives()


class TestMatchedNegativesFewProposals(NegativeSamplerContract):
    def make(self):
        return MatchedNegatives(n_near=1, n_any=2, proposals=6)


class TestPopularityNegatives(NegativeSamplerContract):
    def make(self):
        return PopularityNegatives(near_km=1.0)
