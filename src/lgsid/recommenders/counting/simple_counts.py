"""The simplest counting models: popular, frequent, recent, near."""

from __future__ import annotations

import torch
from torch import Tensor

from lgsid.recommenders.counting.counting_recommender import CountingRecommender
from lgsid.recommenders.counting.past_visits import PastVisits


class Popularity(CountingRecommender):
    """Rank places by how often anybody visited them, the same list for everyone."""

    def __init__(self) -> None:
        super().__init__()
        self.save_hyperparameters()

    def score_visits(self, visits: PastVisits) -> Tensor:
        """Return the counts, shape (B, N)."""
        return self.popularity_for(visits).double().expand(len(visits), -1)


class UserFrequency(CountingRecommender):
    """Rank places by how often the user visited them."""

    def __init__(self) -> None:
        super().__init__()
        self.save_hyperparameters()

    def score_visits(self, visits: PastVisits) -> Tensor:
        """Return the user's counts, shape (B, N)."""
        return visits.sum_per_item(torch.ones_like(visits.age_s))


class MostRecent(CountingRecommender):
    """Rank places by the user's last visit, the most recent first."""

    def __init__(self) -> None:
        super().__init__()
        self.save_hyperparameters()

    def score_visits(self, visits: PastVisits) -> Tensor:
        """Return the order of last visits, 0 where the user has never been, shape (B, N)."""
        return visits.recency.double()


class VisitedBefore(CountingRecommender):
    """Tell places of the user's past from others, and nothing else: what membership in the history gives away."""

    def __init__(self) -> None:
        super().__init__()
        self.save_hyperparameters()

    def score_visits(self, visits: PastVisits) -> Tensor:
        """Return 1 where the user has been, 0 elsewhere, shape (B, N)."""
        return (visits.recency > 0).double()


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
