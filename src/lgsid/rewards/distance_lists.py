"""Lists that ask for distance."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from lgsid.errors import LgsidError
from lgsid.functional.lists import rank_labels
from lgsid.geo.candidates import CandidateSampler
from lgsid.rewards.list_source import ListPlaces, ListSampler, ListSource
from lgsid.rewards.prompt_book import Rows
from lgsid.typing import RewardBatch


class DistanceSampler(ListSampler):
    """Lists labeled by distance, `p = K - rank + 1`.

    Args:
        places: The places that lists may hold.
        n_neighbours: Largest neighbor rank of a candidate that is drawn near the anchor.
        n_far: Number of candidates that are drawn from all places.
    """

    def __init__(self, places: ListPlaces, n_neighbours: int, n_far: int) -> None:
        self.places, self.anchors = places, places.rows
        items = places.dataset.items
        lat, lon = items.lat_deg[places.rows], items.lon_deg[places.rows]
        self.candidates = CandidateSampler(lat, lon, places.length, n_neighbours, n_far)

    def draw(self, anchor: Rows, rng: np.random.Generator) -> RewardBatch:
        """Draw a list for each anchor."""
        drawn = self.candidates.draw(self.places.positions(anchor), rng)
        place = np.concatenate([anchor[:, None], self.places.rows[drawn]], axis=1)
        distance_km = self.places.distance_km(place)
        return self.places.batch(place, self.prompts(place, rng), rank_labels(distance_km[:, 1:]), distance_km)

    def prompts(self, place: Rows, rng: np.random.Generator) -> Rows:
        """Return the prompts of places, the anchor first, shape (B, K+1)."""
        return self.places.book.full[place]


class DistanceLists(ListSource):
    """Density-aware lists: places by the rank of their distance, under their full prompts.

    Most candidates are drawn log-uniformly by neighbor rank, the others from all places: our reading of the
    density-aware hard negatives of LGSID (arXiv 2511.14221; docs/method.md, section 1).

    Args:
        n_neighbours: Largest neighbor rank of a hard negative.
        n_far: Number of the K candidates that are drawn from all places.
    """

    kind: ClassVar[str] = "distance"

    def __init__(self, n_neighbours: int = 300, n_far: int = 3) -> None:
        self.n_neighbours, self.n_far = n_neighbours, n_far
        if n_neighbours < 1 or n_far < 0:
            raise LgsidError(
                f"{type(self).__name__}: n_neighbours must be at least 1 and n_far at least 0, "
                f"not {n_neighbours} and {n_far}"
            )

    def sampler(self, places: ListPlaces, rng: np.random.Generator) -> ListSampler:
        """Index the places."""
        return DistanceSampler(places, self.n_neighbours, self.n_far)


class UniformLists(ListSource):
    """Lists of places drawn uniformly, labeled by distance: the ablation of density-aware sampling.

    Source: LGSID (arXiv 2511.14221), whose ablation leaves density-aware sampling out.
    """

    kind: ClassVar[str] = "uniform"

    def sampler(self, places: ListPlaces, rng: np.random.Generator) -> ListSampler:
        """Index the places."""
        return DistanceSampler(places, 1, places.length)


class CrossedLists(DistanceLists):
    """Density-aware lists in which half of the locations, the anchor's too, stand under the content of other places.

    They teach the head to read the location of a prompt whatever its content. The contents are shuffled once, so that
    there are as many prompts as places to encode. Our addition.
    """

    kind: ClassVar[str] = "crossed"
    has_full_prompts = False

    def sampler(self, places: ListPlaces, rng: np.random.Generator) -> ListSampler:
        """Index the places; write each location under the content of another place."""
        return CrossedSampler(places, self.n_neighbours, self.n_far, rng)


class CrossedSampler(DistanceSampler):
    """Lists labeled by distance, half of them under shuffled contents; see `CrossedLists`.

    Args:
        places: The places that lists may hold.
        n_neighbours: Largest neighbor rank of a candidate that is drawn near the anchor.
        n_far: Number of candidates that are drawn from all places.
        rng: Random generator.
    """

    def __init__(self, places: ListPlaces, n_neighbours: int, n_far: int, rng: np.random.Generator) -> None:
        super().__init__(places, n_neighbours, n_far)
        self.crossed = places.book.full.copy()
        self.crossed[places.rows] = places.book.rows(rng.permutation(places.rows), places.rows)

    def prompts(self, place: Rows, rng: np.random.Generator) -> Rows:
        """Return the prompts of places, the anchor first, shape (B, K+1)."""
        return np.where(rng.random(place.shape) < 0.5, self.crossed[place], super().prompts(place, rng))
