"""lgsid's own samplers and preference losses keep the contracts."""

from lgsid.alignment import (
    CollaborativePairs,
    FarPairs,
    NearOtherCategoryPairs,
    SameCategoryFarPairs,
    SimilarityMargin,
    SimilaritySoftmax,
)
from lgsid.testing.pair_sampler_contract import PairSamplerContract
from lgsid.testing.preference_loss_contract import PreferenceLossContract


class TestFarPairs(PairSamplerContract):
    def make(self):
        return FarPairs(near=10)


class TestSameCategoryFarPairs(PairSamplerContract):
    def make(self):
        return SameCategoryFarPairs(near=4, min_places=4)


class TestNearOtherCategoryPairs(PairSamplerContract):
    def make(self):
        return NearOtherCategoryPairs(near=4, min_places=4, neighbours=30)


class TestCollaborativePairs(PairSamplerContract):
    def make(self):
        return CollaborativePairs(quantile=0.5)


class TestSimilarityMargin(PreferenceLossContract):
    def make(self):
        return SimilarityMargin(temperature=0.2)


class TestSimilaritySoftmax(PreferenceLossContract):
    def make(self):
        return SimilaritySoftmax(temperature=0.2)
