"""Lists that ask for the category."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from lgsid.rewards import ListPlaces, ListSampler, ListSource
from lgsid.typing import RewardBatch


class SameCategorySampler(ListSampler):
    """Lists of places drawn evenly, labeled by whether they are of the anchor's category.

    Args:
        places: The places that lists may hold.
    """

    def __init__(self, places: ListPlaces) -> None:
        self.places, self.anchors = places, places.rows
        self.category = places.dataset.items.codes("category")[0]

    def draw(self, anchor: NDArray[np.int64], rng: np.random.Generator) -> RewardBatch:
        """Draw K different places for each anchor (B,), never the anchor itself."""
        keys = rng.random((len(anchor), len(self.places.rows)))
        keys[np.arange(len(anchor)), self.places.positions(anchor)] = np.inf
        drawn = self.places.rows[keys.argsort(axis=1)[:, : self.places.length]]
        place = np.concatenate([anchor[:, None], drawn], axis=1)
        label = torch.from_numpy(self.category[drawn] == self.category[anchor][:, None]).float()
        return self.places.batch(place, self.places.book.full[place], label, self.places.distance_km(place))


class PartName(ListSource):
    """Lists whose best places are those of the anchor's category, wherever they are."""

    kind: ClassVar[str] = "part_name"

    def sampler(self, places: ListPlaces, rng: np.random.Generator) -> ListSampler:
        """Index the places."""
        return SameCategorySampler(places)
