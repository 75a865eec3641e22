"""PartName keeps the contract of a reward of lists, and does what it says."""

import pytest
from part_package import PartName

from lgsid.testing import ListRewardContract


class TestPartName(ListRewardContract):
    def make(self):
        return PartName()

    def test_it_is_the_share_of_places_that_are_not_in_the_history(self):
        lists, batch, catalogue = self.asked()
        found = self.rewarded(lists, batch, catalogue).tolist()
        for row, history, rewards in zip(lists.tolist(), batch.history.tolist(), found, strict=True):
            for one, reward in zip(row, rewards, strict=True):
                places = [place for place in one if place >= 0]
                new = sum(place not in history for place in places)
                assert reward == pytest.approx(new / max(len(places), 1))
