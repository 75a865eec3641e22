"""The contract of what draws preference pairs."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from lgsid.artefacts import Dataset
from lgsid.typing import PreferenceBatch


class PairSampler(ABC):
    """Draw preference pairs of one kind: an anchor, a place that should be near it, places that should not.

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
        """How many places can be an anchor. Callable after `fit`; 0: this sampler has nothing to offer here."""

    @abstractmethod
    def draw(self, n: int, n_rejected: int, rng: np.random.Generator) -> PreferenceBatch:
        """Draw `n` anchors, each with one chosen and `n_rejected` rejected places. Needs `n_anchors > 0`.

        The three roles of a pair are never the same place.

        Args:
            n: B.
            n_rejected: K, at least 1. Rejected places of a pair may repeat.
            rng: Where all randomness comes from.

        Returns:
            anchor (B,), chosen (B,), rejected (B, K).
        """
