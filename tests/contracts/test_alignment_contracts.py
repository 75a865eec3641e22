"""lgsid's own samplers and preference losses keep the contracts."""

import pytest
import torch

from lgsid.alignment import (
    CollaborativePairs,
    FarPairs,
    NearOtherCategoryPairs,
    RewardMargin,
    SameCategoryFarPairs,
    SimilarityMargin,
    SimilaritySoftmax,
)
from lgsid.rewards import AnchoredPair, RewardHead
from lgsid.rewards.reward_head import CHECKPOINT_KEY
from lgsid.testing import tiny_encoder
from lgsid.testing.pair_sampler_contract import PairSamplerContract
from lgsid.testing.preference_loss_contract import PreferenceLossContract
from lgsid.text import TextEncoder


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


class TestRewardMargin(PreferenceLossContract):
    @pytest.fixture(autouse=True)
    def _reward(self, tmp_path):
        torch.manual_seed(0)
        encoder = TextEncoder(tiny_encoder("bert", tmp_path / "bert", width=self.dim), autocast="float32")
        head = RewardHead(AnchoredPair(width=4), self.dim, 16, encoder=encoder.describe())
        state = {f"head.{name}": value for name, value in head.state_dict().items()}
        torch.save({CHECKPOINT_KEY: head.describe(), "state_dict": state}, tmp_path / "model.ckpt")
        self.loss = RewardMargin(str(tmp_path / "model.ckpt"), beta=2.0)
        self.loss.prepare(encoder, None)

    def make(self):
        return self.loss
