"""Base class of preference pairs that are counted in check-ins."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
import numpy.typing as npt

from lgsid.alignment.pair_sampler import PairSampler
from lgsid.alignment.rejected_places import RejectedPlaces
from lgsid.alignment.sampling import IntArray, first_accepted, preference_batch
from lgsid.artefacts import Dataset
from lgsid.errors import LgsidError
from lgsid.typing import PreferenceBatch

TRIES = 16  # places proposed for each rejected one, the second half of them from all places


class CountedPairs(PairSampler):
    """Pairs of places that training check-ins put together so often; rejected are places that they never do.

    A subclass counts (`count`). After `fit`: `pairs` (P, 2), the rows of anchor and chosen place of every pair that
    occurs, and `counts` (P,). A rejected place is never one that was counted with the anchor, however seldom. An anchor
    that was counted with all other places is left out.

    Args:
        rejected: Where rejected places come from.
        quantile: Quantile of the counts that a pair must reach.
        min_count: Minimum count of a pair, whatever the quantile.
        count_power: Power of its count that a pair is drawn by: 0 draws all pairs alike, 1 as often as they occur.

    Raises:
        LgsidError: if an argument is out of range.
    """

    def __init__(self, rejected: RejectedPlaces, quantile: float, min_count: int, count_power: float) -> None:
        if not 0 <= quantile <= 1:
            raise LgsidError(f"{type(self).__name__}: quantile must lie between 0 and 1, not {quantile}")
        self.rejected = rejected
        self.quantile = quantile
        self.min_count = min_count
        self.count_power = count_power

    @abstractmethod
    def count(self, dataset: Dataset) -> tuple[IntArray, IntArray]:
        """Count pairs in the training split.

        Returns:
            Codes `anchor * N + chosen` of the pairs of rows, sorted and different, shape (P,), and their counts, (P,).
        """

    def fit(self, dataset: Dataset) -> None:
        """Count the pairs, and index the places that may be rejected."""
        self._n = len(dataset.items)
        self._codes, self.counts = self.count(dataset)
        self.pairs = np.stack(np.divmod(self._codes, self._n), axis=1)  # (P, 2)
        least = float(np.quantile(self.counts, self.quantile)) if len(self.counts) else 0.0
        self.threshold = max(least, float(self.min_count))
        others = self._n - 1 - np.bincount(self.pairs[:, 0], minlength=self._n)  # that an anchor can reject
        kept = (self.counts >= self.threshold) & (others[self.pairs[:, 0]] > 0)
        self._kept = self.pairs[kept]
        self._cumulated = np.cumsum(self.counts[kept].astype(np.float64) ** self.count_power)
        self.rejected.fit(dataset, self._kept)

    @property
    def n_anchors(self) -> int:
        """Number of different anchors of kept pairs."""
        return len(np.unique(self._kept[:, 0]))

    def draw(self, n: int, n_rejected: int, rng: np.random.Generator) -> PreferenceBatch:
        """Draw `n` pairs; see the base class."""
        at = np.searchsorted(self._cumulated, rng.random(n) * self._cumulated[-1], side="right")
        anchor, chosen = self._kept[at.clip(max=len(self._kept) - 1)].T
        return preference_batch(anchor, chosen, self._draw_rejected(anchor, chosen, n_rejected, rng))

    def is_positive(self, anchor: IntArray, place: IntArray) -> npt.NDArray[np.bool_]:
        """Return whether places were counted with anchors at all, kept or not; shapes broadcast."""
        code = anchor * self._n + place
        if not len(self._codes):
            return np.zeros(code.shape, dtype=bool)
        found = np.searchsorted(self._codes, code).clip(max=len(self._codes) - 1)
        return np.asarray(self._codes[found] == code)

    def _draw_rejected(self, anchor: IntArray, chosen: IntArray, k: int, rng: np.random.Generator) -> IntArray:
        proposed = self.rejected.propose(chosen, k, TRIES // 2, rng)
        anywhere = rng.integers(self._n, size=(len(chosen), k, TRIES - TRIES // 2))  # if those all fail
        place = np.concatenate([proposed, anywhere], axis=2)
        valid = ~self.is_positive(anchor[:, None, None], place) & (place != anchor[:, None, None])
        best = first_accepted(valid, np.zeros((len(chosen), k), dtype=np.int64))
        drawn = np.take_along_axis(place, best[..., None], axis=-1)[..., 0]
        failed = np.argwhere(~valid.any(axis=-1))  # anchors counted with nearly all places
        for pair, column in failed:
            free = ~self.is_positive(anchor[pair], np.arange(self._n))
            free[anchor[pair]] = False
            drawn[pair, column] = rng.choice(np.flatnonzero(free))
        return drawn
