"""Base classes of what makes lists of candidates for a reward."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from lgsid.artefacts import Dataset
from lgsid.construction import Describable
from lgsid.functional.distances import haversine_m
from lgsid.rewards.prompt_book import PromptBook, Rows
from lgsid.typing import RewardBatch


@dataclass(frozen=True)
class ListPlaces:
    """The places that lists may hold, and nothing but these: those of the training, or those that are held out.

    Args:
        dataset: The dataset.
        rows: Item rows of the places in ascending order, shape (M,).
        book: Where prompts are written.
        n_candidates: Number K of candidates per list; fewer where there are not as many places.
    """

    dataset: Dataset
    rows: Rows
    book: PromptBook
    n_candidates: int

    @property
    def length(self) -> int:
        """Number of candidates per list that these places allow."""
        return min(self.n_candidates, len(self.rows) - 1)

    def positions(self, item: Rows) -> Rows:
        """Return positions in `rows` of item rows, -1 for other places; any shape."""
        position = np.full(len(self.dataset.items), -1, dtype=np.int64)
        position[self.rows] = np.arange(len(self.rows))
        return position[item]

    def distance_km(self, place: Rows) -> Tensor:
        """Return distances from the first place of each row to all of it: (B, C) item rows -> (B, C) float32."""
        items = self.dataset.items
        lat, lon = torch.from_numpy(items.lat_deg[place]), torch.from_numpy(items.lon_deg[place])
        return (haversine_m(lat[:, :1], lon[:, :1], lat, lon) / 1000.0).float()

    def batch(self, place: Rows, prompt: Rows, label: Tensor, distance_km: Tensor) -> RewardBatch:
        """Put lists together; the anchor's own label is one more than the largest of its list.

        Args:
            place: Item rows, the anchor first, shape (B, K+1).
            prompt: Rows of prompts, shape (B, K+1).
            label: Labels of the candidates, shape (B, K).
            distance_km: Distances from the anchor, shape (B, K+1).
        """
        return RewardBatch(
            anchor=torch.from_numpy(np.ascontiguousarray(place[:, 0])),
            candidate=torch.from_numpy(place),
            prompt=torch.from_numpy(np.ascontiguousarray(prompt)),
            label=torch.cat([label.amax(dim=1, keepdim=True) + 1.0, label], dim=1).float(),
            distance_km=distance_km,
        )


class ListSampler(ABC):
    """Draw lists of one kind over given places.

    Attributes:
        anchors: Item rows of the places that can be an anchor, shape (A,); none if these data give no such lists.
    """

    anchors: Rows

    @abstractmethod
    def draw(self, anchor: Rows, rng: np.random.Generator) -> RewardBatch:
        """Draw a list for each anchor.

        Args:
            anchor: Item rows among `anchors`, shape (B,); they may repeat.
            rng: Random generator, the only source of randomness.
        """


class ListSource(Describable, ABC):
    """Make lists of one kind: an anchor, K candidates, and labels that say what the reward should know of them.

    What a source learns from check-ins it learns from the training split only. Lists hold no places but the given ones.
    """

    kind: ClassVar[str]
    """Name in result files: `heldout/<kind>/..`."""

    has_full_prompts: ClassVar[bool] = True
    """Whether every candidate stands under its own full prompt."""

    @abstractmethod
    def sampler(self, places: ListPlaces, rng: np.random.Generator) -> ListSampler:
        """Index the places and write the prompts of the lists.

        Args:
            places: The places that lists may hold.
            rng: Random generator.
        """
