"""How relevant places are to each other: what a list-wise alignment teaches the encoder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from lgsid.alignment.trained_reward import TrainedReward
from lgsid.alignment.transition_pairs import TransitionPairs
from lgsid.artefacts import Dataset
from lgsid.construction import Describable
from lgsid.errors import LgsidError
from lgsid.functional.distances import haversine_m
from lgsid.rewards import RewardModel
from lgsid.text import PromptTemplate, TextEncoder


class Relevance(Describable, ABC):
    """Grade how relevant each place is to each other one.

    `fit` looks at a dataset once, then `between` may be called for any of its places. What is learned from check-ins is
    learned from the training split only. Grades of 0 to 1 mix well, but any scale will do.
    """

    @abstractmethod
    def fit(self, dataset: Dataset, encoder: TextEncoder) -> None:
        """Index the places.

        Args:
            dataset: Places and check-ins.
            encoder: The encoder before its adapter is trained.

        Raises:
            LgsidError: if the dataset lacks what the grades are made of.
        """

    @abstractmethod
    def between(self, rows: Tensor, reference: Tensor) -> Tensor:
        """Return the relevance of each place (column) to each other (row).

        Args:
            rows: M item rows, int64.
            reference: Their reference embeddings, shape (M, D).

        Returns:
            Shape (M, M); the diagonal is of no account.
        """


class ContentRelevance(Relevance):
    """Meaning: the cosine between what the encoder, before its training, makes of what the places are.

    Without the location half of a prompt, so that it says nothing of distance.

    Args:
        content: Template of the text of a place, see `PromptTemplate`.
    """

    def __init__(self, content: str = "{category}") -> None:
        self._template = PromptTemplate(content=content, location="")

    def fit(self, dataset: Dataset, encoder: TextEncoder) -> None:
        """Encode the contents of all places with the adapter off."""
        with encoder.reference():
            self._vectors = F.normalize(encoder.encode(self._template.prompts(dataset.items)), dim=1)

    def between(self, rows: Tensor, reference: Tensor) -> Tensor:
        """Return cosines; see the base class."""
        vectors = self._vectors[rows.cpu()].to(reference.device)
        return vectors @ vectors.T


class DistanceRelevance(Relevance):
    """Nearness: the mean of `exp(-km / scale)` over scales, so that streets, districts and the whole city all count.

    Args:
        scales_km: Distances at which a grade falls by a factor of e.
    """

    def __init__(self, scales_km: Sequence[float] = (0.3, 1.0, 3.0)) -> None:
        if not scales_km or min(scales_km) <= 0:
            raise LgsidError(f"DistanceRelevance: scales_km must be positive, not {list(scales_km)}")
        self.scales_km = tuple(scales_km)

    def fit(self, dataset: Dataset, encoder: TextEncoder) -> None:
        """Keep the positions."""
        self._lat, self._lon = (torch.from_numpy(np.array(v)) for v in (dataset.items.lat_deg, dataset.items.lon_deg))

    def between(self, rows: Tensor, reference: Tensor) -> Tensor:
        """Return the nearness; see the base class."""
        lat, lon = self._lat[rows.cpu()], self._lon[rows.cpu()]
        km = haversine_m(lat[:, None], lon[:, None], lat[None], lon[None]) / 1000
        near = torch.stack([torch.exp(-km / scale) for scale in self.scales_km]).mean(dim=0)
        return near.to(reference)


class NextVisitRelevance(Relevance):
    """Collaboration: 1 where a user of one place went to the other next, for the first time, in the training split."""

    def fit(self, dataset: Dataset, encoder: TextEncoder) -> None:
        """Count the transitions, as `TransitionPairs` does."""
        self._n = len(dataset.items)
        self._codes = torch.from_numpy(TransitionPairs().count(dataset)[0])

    def between(self, rows: Tensor, reference: Tensor) -> Tensor:
        """Return 1 where either went to the other; see the base class."""
        rows = rows.cpu()
        there = torch.isin(rows[:, None] * self._n + rows[None], self._codes)
        return (there | there.T).to(reference)


class RewardRelevance(Relevance):
    """What a trained reward model makes of two places: the probability `sigmoid(R)` on their reference embeddings.

    The reward is the judge: a list is ordered as the reward orders it. On reference embeddings, so that an encoder that
    drifts cannot raise it.

    Args:
        reward: The trained reward model: its checkpoint, `model.ckpt` of its run folder, or the model itself.
    """

    def __init__(self, reward: str | Path | RewardModel | None = None) -> None:
        self._reward = TrainedReward(type(self).__name__, reward)

    def constructor_arguments(self) -> dict[str, Any]:
        """Return the arguments as they were given, without a reward model: a checkpoint keeps the path of one only."""
        return self._reward.without_models(super().constructor_arguments())

    def fit(self, dataset: Dataset, encoder: TextEncoder) -> None:
        """Load the head of the reward model; see `TrainedReward`."""
        self._reward.load(encoder)

    def between(self, rows: Tensor, reference: Tensor) -> Tensor:
        """Return the probabilities; see the base class."""
        candidates = reference.expand(len(reference), -1, -1)
        return self._reward.score(reference, candidates).sigmoid().detach()
