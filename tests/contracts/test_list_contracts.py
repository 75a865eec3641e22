"""lgsid's own rewards and losses of lists keep the contracts."""

import pytest
import torch

from lgsid.recommenders import (
    DIN,
    ECPO,
    BestWorstDPO,
    ClickReward,
    DistanceReward,
    DiversityReward,
    NoSids,
    ReachabilityReward,
    VisitReward,
)
from lgsid.testing import ListLossContract, ListRewardContract


@pytest.mark.parametrize(
    "kind", [VisitReward, DistanceReward, ReachabilityReward, DiversityReward], ids=lambda kind: kind.__name__
)
class TestRewards(ListRewardContract):
    @pytest.fixture(autouse=True)
    def _kind(self, kind):
        self.kind = kind

    def make(self, data):
        return self.kind()


class TestClickReward(ListRewardContract):
    def make(self, data):
        torch.manual_seed(0)
        model = DIN(sid_features=NoSids())
        model.ensure_built(data.shape)
        model.take_catalogue(data)
        return ClickReward(model)


@pytest.mark.parametrize("loss", [BestWorstDPO(), ECPO()], ids=lambda loss: type(loss).__name__)
class TestLosses(ListLossContract):
    @pytest.fixture(autouse=True)
    def _loss(self, loss):
        self.loss = loss

    def make(self):
        return self.loss
