"""Base class of preference-pair samplers."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import numpy.typing as npt

from lgsid.artefacts import Dataset
from lgsid.construction import Describable
from lgsid.typing import PreferenceBatch


class PairSampler(Describable, ABC):
    """Sample preference pairs of one kind: an anchor, a place that should be near it, places that should not.

    `fit` indexes a dataset, then `draw` may be called any number of times. Both are deterministic: all randomness
    comes from the generator handed to `draw`. What a sampler learns from interactions it learns from the training
    split only.
    """

    @abstractmethod
    def fit(self, dataset: Dataset) -> None:
        """Index the places, and the training check-ins if they matter."""

    @property
    @abstractmethod
    def n_anchors(self) -> int:
        """Number of places that can be an anchor, after `fit`; 0 if the dataset gives this sampler no pairs."""

    @abstractmethod
    def draw(self, n: int, n_rejected: int, rng: np.random.Generator) -> PreferenceBatch:
        """Draw `n` anchors, each with one chosen and `n_rejected` rejected places. Needs `n_anchors > 0`.

        The three roles of a pair are never the same place.

        Args:
            n: Number of pairs B.
            n_rejected: Number K of rejected places per pair, at least 1; they may repeat.
            rng: Random generator, the only source of randomness.

        Returns:
            anchor (B,), chosen (B,), rejected (B, K).
        """

    def is_positive(self, anchor: npt.NDArray[np.int64], place: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Return whether a place could be chosen for an anchor, so that no loss may reject it; none, unless known.

        A loss over all chosen places of a batch asks this of the pairs of all samplers.

        Args:
            anchor: Rows of places.
            place: Rows of places, of a shape that broadcasts with that of `anchor`.

        Returns:
            The shape of both, broadcast.
        """
        return np.zeros(np.broadcast_shapes(anchor.shape, place.shape), dtype=bool)
