"""Where rejected places come from: beside the chosen one, anywhere, or as often as they are visited."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from lgsid.alignment.sampling import IntArray, log_uniform_ranks
from lgsid.artefacts import Dataset
from lgsid.geo.neighbors import nearest_places


class RejectedPlaces(ABC):
    """Propose rejected places for pairs of an anchor and a chosen place.

    The sampler of the pairs takes the first proposal that is neither the anchor nor a place that could be chosen for
    it. `fit` indexes a dataset, then `propose` may be called any number of times.
    """

    @abstractmethod
    def fit(self, dataset: Dataset, pairs: IntArray) -> None:
        """Index the places; `pairs: (P, 2)` are the rows of anchor and chosen place of all pairs."""

    @abstractmethod
    def propose(self, chosen: IntArray, n_rejected: int, tries: int, rng: np.random.Generator) -> IntArray:
        """Propose places for each chosen one.

        Args:
            chosen: Rows of the chosen places, shape (B,).
            n_rejected: Number K of rejected places per pair.
            tries: Number T of proposals for each of them, at least 1.
            rng: Random generator, the only source of randomness.

        Returns:
            Rows of places, shape (B, K, T).
        """


class NearbyRejected(RejectedPlaces):
    """Hard rejected places: near the chosen one, so that it is not told from them by where it is.

    Density-aware: drawn log-uniformly by rank of distance from the chosen place, not by kilometers, so that a dense
    center and a sparse suburb are treated alike (our reading of LGSID, arXiv 2511.14221; docs/method.md, section 1).

    Args:
        neighbours: Number of places nearest to the chosen one from which rejected ones are drawn.
    """

    def __init__(self, neighbours: int = 100) -> None:
        self.neighbours = neighbours

    def fit(self, dataset: Dataset, pairs: IntArray) -> None:
        """Find the nearest places of each place."""
        self._nearest, _ = nearest_places(dataset.items.lat_deg, dataset.items.lon_deg, self.neighbours)

    def propose(self, chosen: IntArray, n_rejected: int, tries: int, rng: np.random.Generator) -> IntArray:
        """Propose places near the chosen ones; see the base class."""
        lengths = np.full((len(chosen), n_rejected, tries), self._nearest.shape[1])
        return self._nearest[chosen[:, None, None], log_uniform_ranks(lengths, rng)]


class UniformRejected(RejectedPlaces):
    """Rejected places drawn evenly from all, so that most are far from the chosen one."""

    def fit(self, dataset: Dataset, pairs: IntArray) -> None:
        """Count the places."""
        self._n = len(dataset.items)

    def propose(self, chosen: IntArray, n_rejected: int, tries: int, rng: np.random.Generator) -> IntArray:
        """Propose any places; see the base class."""
        return rng.integers(self._n, size=(len(chosen), n_rejected, tries))


class PairedRejected(RejectedPlaces):
    """Rejected places drawn as often as they occur in pairs, so that popularity does not tell chosen from rejected."""

    def fit(self, dataset: Dataset, pairs: IntArray) -> None:
        """Keep the places of all pairs."""
        self._places = pairs.reshape(-1)

    def propose(self, chosen: IntArray, n_rejected: int, tries: int, rng: np.random.Generator) -> IntArray:
        """Propose places of pairs; see the base class."""
        return self._places[rng.integers(len(self._places), size=(len(chosen), n_rejected, tries))]
