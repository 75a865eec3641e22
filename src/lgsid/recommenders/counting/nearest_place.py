"""The places next to the last one."""

from __future__ import annotations

from torch import Tensor

from lgsid.recommenders.counting.base import CountingRecommender
from lgsid.recommenders.counting.past_visits import PastVisits

BEYOND_KM = 1e5  # farther than any place on Earth


class NearestPlace(CountingRecommender):
    """Rank places by their distance from the user's last place.

    Args:
        last_comes_last: Put the last place itself at the end of the list: people seldom check in twice in a row.
    """

    def __init__(self, last_comes_last: bool = True) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.last_comes_last = last_comes_last

    def score_visits(self, visits: PastVisits) -> Tensor:
        """Return minus the distance in km, 0 everywhere without a last place, shape (B, N)."""
        km = self.km_from_last(visits)
        if self.last_comes_last:
            known = (visits.last >= 0).nonzero()[:, 0]
            km[known, visits.last[known]] = BEYOND_KM
        return -km
