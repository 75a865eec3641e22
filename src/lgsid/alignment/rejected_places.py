"""Where rejected places come from: beside the chosen one, like it, anywhere, or as often as they are visited."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from lgsid.alignment.sampling import IntArray, log_uniform_ranks
from lgsid.artefacts import Dataset
from lgsid.construction import Describable
from lgsid.errors import LgsidError
from lgsid.geo.neighbors import nearest_in_groups, nearest_places


class RejectedPlaces(Describable, ABC):
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


class SameCategoryRejected(RejectedPlaces):
    """Hard rejected places: of the category of the chosen one and near it, so that it is not told from them by kind.

    Density-aware as `NearbyRejected` is. A place that is alone in its category gets any places.

    Args:
        neighbours: Number of places of the category nearest to the chosen one from which rejected ones are drawn.
    """

    def __init__(self, neighbours: int = 10) -> None:
        self.neighbours = neighbours

    def fit(self, dataset: Dataset, pairs: IntArray) -> None:
        """Find the nearest places of the same category of each place."""
        items = dataset.items
        _, group = np.unique(items.codes("category")[0], return_inverse=True)
        wanted = np.full(int(group.max(initial=-1)) + 1, self.neighbours)
        self._nearest, self._n_near = nearest_in_groups(items.lat_deg, items.lon_deg, group, wanted)

    def propose(self, chosen: IntArray, n_rejected: int, tries: int, rng: np.random.Generator) -> IntArray:
        """Propose places of the category of the chosen ones; see the base class."""
        lengths = np.broadcast_to(self._n_near[chosen][:, None, None], (len(chosen), n_rejected, tries))
        alike = self._nearest[chosen[:, None, None], log_uniform_ranks(np.maximum(lengths, 1), rng)]
        return np.where(lengths > 0, alike, rng.integers(len(self._nearest), size=alike.shape))


class AlternatingRejected(RejectedPlaces):
    """Rejected places of several kinds: the first of a pair of the first kind, the next of the second, and so on.

    Args:
        kinds: The kinds; with more rejected places than kinds it begins anew.

    Raises:
        LgsidError: if there are none.
    """

    def __init__(self, kinds: list[RejectedPlaces]) -> None:
        if not kinds:
            raise LgsidError("AlternatingRejected: kinds is empty; give at least one")
        self.kinds = kinds

    def fit(self, dataset: Dataset, pairs: IntArray) -> None:
        """Let each kind index the places."""
        for kind in self.kinds:
            kind.fit(dataset, pairs)

    def propose(self, chosen: IntArray, n_rejected: int, tries: int, rng: np.random.Generator) -> IntArray:
        """Propose places of each kind in turn; see the base class."""
        places = np.empty((len(chosen), n_rejected, tries), np.int64)
        for start, kind in enumerate(self.kinds[:n_rejected]):
            columns = places[:, start :: len(self.kinds)]
            columns[:] = kind.propose(chosen, columns.shape[1], tries, rng)
        return places


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
