"""PartName keeps the contract of rejected places, and does what it says."""

import numpy as np
from part_package import PartName

from lgsid.testing import RejectedPlacesContract


class TestPartName(RejectedPlacesContract):
    bad_arguments = ({"smoothing": 0.0},)

    def make(self):
        return PartName()

    def test_popular_places_are_proposed_more_often(self):
        dataset, places = self.dataset(), PartName()
        places.fit(dataset, self.pairs())
        visits = dataset.interactions.of_split("train")["item_id"].value_counts()
        most, least = (int(dataset.items.rows([visits.index[at]])[0]) for at in (0, -1))
        drawn = places.propose(np.zeros(2000, np.int64), 1, 5, np.random.default_rng(0))
        assert (drawn == most).sum() > (drawn == least).sum()
