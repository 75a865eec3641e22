"""Lists of one content at many locations."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from lgsid.errors import LgsidError
from lgsid.functional.lists import rank_labels
from lgsid.geo.candidates import CandidateSampler
from lgsid.rewards.list_source import ListPlaces, ListSampler, ListSource
from lgsid.rewards.prompt_book import Rows
from lgsid.typing import RewardBatch


class MismatchedLists(ListSource):
    """Prompt mismatching: the anchor's content at the locations of other places, labeled by distance.

    Source: `P_i^j = [content_i, location_j]` of LGSID (arXiv 2511.14221; docs/method.md, section 1).

    Args:
        n_contents: Largest number of places whose content is written at other locations: the anchors of these lists.
            Each costs `n_locations` encodings.
        n_locations: Number of other locations that each of these contents is written at, at least K; lists are drawn
            from them.
        n_neighbours: Largest neighbor rank of a hard negative.
        n_far: Number of the other locations that are drawn from all places.
    """

    kind: ClassVar[str] = "mismatched"
    has_full_prompts = False

    def __init__(self, n_contents: int = 1500, n_locations: int = 15, n_neighbours: int = 300, n_far: int = 3) -> None:
        self.n_contents, self.n_locations = n_contents, n_locations
        self.n_neighbours, self.n_far = n_neighbours, n_far
        for name, value, least in (
            ("n_contents", n_contents, 1),
            ("n_locations", n_locations, 1),
            ("n_neighbours", n_neighbours, 1),
            ("n_far", n_far, 0),
        ):
            if value < least:
                raise LgsidError(f"MismatchedLists: {name} must be at least {least}, not {value}")

    def sampler(self, places: ListPlaces, rng: np.random.Generator) -> ListSampler:
        """Choose contents and locations, and write them."""
        if self.n_locations < places.n_candidates:
            raise LgsidError(
                f"MismatchedLists: n_locations {self.n_locations} must not be below n_candidates {places.n_candidates}"
            )
        return MismatchedSampler(places, self, rng)


class MismatchedSampler(ListSampler):
    """Lists of one content at many locations, see `MismatchedLists`.

    Args:
        places: The places that lists may hold.
        source: Numbers of contents and locations.
        rng: Random generator.
    """

    def __init__(self, places: ListPlaces, source: MismatchedLists, rng: np.random.Generator) -> None:
        self.places = places
        items = places.dataset.items
        lat, lon = items.lat_deg[places.rows], items.lon_deg[places.rows]
        chosen = np.sort(rng.permutation(len(places.rows))[: source.n_contents])
        sampler = CandidateSampler(lat, lon, source.n_locations, source.n_neighbours, source.n_far)
        self.anchors = places.rows[chosen]
        self.pool = places.rows[sampler.draw(chosen, rng)]  # (A, P) item rows
        self.pool_prompts = places.book.rows(self.anchors[:, None], self.pool)

    def draw(self, anchor: Rows, rng: np.random.Generator) -> RewardBatch:
        """Draw a list for each anchor."""
        row = np.searchsorted(self.anchors, anchor)
        keep = np.argsort(rng.random((len(anchor), self.pool.shape[1])), axis=1)[:, : self.places.length]
        other, prompt = (np.take_along_axis(table[row], keep, axis=1) for table in (self.pool, self.pool_prompts))
        place = np.concatenate([anchor[:, None], other], axis=1)
        prompt = np.concatenate([self.places.book.full[anchor][:, None], prompt], axis=1)
        distance_km = self.places.distance_km(place)
        return self.places.batch(place, prompt, rank_labels(distance_km[:, 1:]), distance_km)
