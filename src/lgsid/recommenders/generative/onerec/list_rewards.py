"""What makes a list of places good."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lgsid.construction import Describable
from lgsid.errors import LgsidError
from lgsid.recommenders.candidate_scorer import CandidateScorer
from lgsid.recommenders.catalogue import Catalogue
from lgsid.recommenders.composed_recommender import fitted
from lgsid.recommenders.recommender import Recommender
from lgsid.typing import SequenceBatch


class ListReward(Describable, nn.Module, ABC):
    """Judge lists of places for the queries that they answer. Rewards lie within 0..1, so that weights compare them.

    Args:
        weight: Weight of the reward among others.
    """

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__()
        if not math.isfinite(weight):
            raise LgsidError(f"{type(self).__name__}: weight must be finite, not {weight}")
        self.weight = weight

    def prepare(self, catalogue: Catalogue) -> None:
        """Load what it needs before a training on the items of `catalogue`."""

    @abstractmethod
    def forward(self, lists: Tensor, batch: SequenceBatch, catalogue: Catalogue) -> Tensor:
        """Return the reward of lists without its weight.

        Args:
            lists: Shape (B, G, m), item rows, -1 behind the end of a list.
            batch: B queries with known targets.
            catalogue: The items.

        Returns:
            Shape (B, G) float32, 0 for an empty list.
        """


class VisitReward(ListReward):
    """Relevance: where the place that the user went to stands in the list, `1 / log2(1 + rank)`; 0 if it does not.

    Args:
        weight: Weight of the reward among others.
    """

    def forward(self, lists: Tensor, batch: SequenceBatch, catalogue: Catalogue) -> Tensor:
        """Return the discounted gain of the target, shape (B, G)."""
        rank = torch.arange(1, lists.shape[2] + 1, device=lists.device)
        found = (lists == batch.target[:, None, None]) & (lists >= 0)
        return (found / torch.log2(1.0 + rank)).sum(2)


class ClickReward(ListReward):
    """Relevance: the mean probability of a visit by a trained click model, over the places of the list.

    It needs no place that was visited, so that places which nobody has shown can be better than those.

    Args:
        model: The click model: its checkpoint, its run folder, or the model itself.
        history: Check-ins that it reads, the most recent ones: as many as in its training.
        weight: Weight of the reward among others.
    """

    def __init__(self, model: str | Path | Recommender | None = None, history: int = 50, weight: float = 1.0) -> None:
        super().__init__(weight)
        self._given = (model,)  # in a tuple: no module of this one, so it is neither trained nor saved again
        self.history = history
        self._loaded: tuple[Recommender, ...] = ()

    def constructor_arguments(self) -> dict[str, Any]:
        """Return the arguments as they were given, without a model: a checkpoint keeps the path of one only."""
        arguments = super().constructor_arguments()
        return {name: value for name, value in arguments.items() if not isinstance(value, Recommender)}

    def prepare(self, catalogue: Catalogue) -> None:
        """Load the click model.

        Raises:
            LgsidError: if there is none, it gives no probabilities, or it was trained on other items.
        """
        given = self._given[0]
        if given is None:
            raise LgsidError("ClickReward: no model given; set its init_args.model to the model.ckpt of a click model")
        model = fitted(given, Recommender)  # type: ignore[type-abstract]
        if not (isinstance(model, CandidateScorer) and model.scores_are_logits):
            raise LgsidError(f"ClickReward: {type(model).__name__} gives no probability of a click; use a click model")
        if len(model.catalogue) != len(catalogue) or not torch.equal(
            model.catalogue.lat_deg.cpu(), catalogue.lat_deg.cpu()
        ):
            raise LgsidError("ClickReward: the click model was trained on other places; fit it on the same dataset")
        self._loaded = (model.eval(),)

    def forward(self, lists: Tensor, batch: SequenceBatch, catalogue: Catalogue) -> Tensor:
        """Return mean probabilities, shape (B, G).

        Raises:
            LgsidError: if the model has not been loaded.
        """
        if not self._loaded:
            raise LgsidError("ClickReward: the click model has not been loaded; call `prepare` first")
        model = self._loaded[0].to(lists.device)
        assert isinstance(model, CandidateScorer)
        with torch.no_grad():
            logits = model.candidate_scores(batch.recent(self.history), lists.flatten(1).clamp_min(0))
        return masked_mean(logits.sigmoid().view(lists.shape).float(), lists >= 0)


class DistanceReward(ListReward):
    """Nearness: the mean of `exp(-km / scale_km)` over the places of the list, km from the user's last place.

    Args:
        scale_km: Distance at which it has fallen to 1/e.
        weight: Weight of the reward among others.
    """

    def __init__(self, scale_km: float = 2.0, weight: float = 1.0) -> None:
        super().__init__(weight)
        if not scale_km > 0:
            raise LgsidError(f"DistanceReward: scale_km must be positive, not {scale_km}")
        self.scale_km = scale_km

    def forward(self, lists: Tensor, batch: SequenceBatch, catalogue: Catalogue) -> Tensor:
        """Return the mean nearness, shape (B, G); 0 where the last place is unknown."""
        km = catalogue.km(batch.history[:, -1, None, None], lists)
        return masked_mean(torch.exp(-km / self.scale_km).nan_to_num(0.0).float(), lists >= 0)


class ReachabilityReward(ListReward):
    """Reachability: the share of the list within `max_km` of the user's last place; one minus `unreachable@k`.

    Args:
        max_km: How far a place may be.
        weight: Weight of the reward among others.
    """

    def __init__(self, max_km: float = 10.0, weight: float = 1.0) -> None:
        super().__init__(weight)
        if not max_km > 0:
            raise LgsidError(f"ReachabilityReward: max_km must be positive, not {max_km}")
        self.max_km = max_km

    def forward(self, lists: Tensor, batch: SequenceBatch, catalogue: Catalogue) -> Tensor:
        """Return the share that is within reach, shape (B, G); 0 where the last place is unknown."""
        km = catalogue.km(batch.history[:, -1, None, None], lists)
        return masked_mean((km <= self.max_km).float(), lists >= 0)


class DiversityReward(ListReward):
    """Diversity: the number of different categories in the list over that of its places.

    Args:
        weight: Weight of the reward among others.
    """

    def forward(self, lists: Tensor, batch: SequenceBatch, catalogue: Catalogue) -> Tensor:
        """Return the share of places whose category no place before them has, shape (B, G)."""
        there = lists >= 0
        category = catalogue.category[lists.clamp_min(0)].masked_fill(~there, -1)
        repeated = (category[..., :, None] == category[..., None, :]).tril(-1).any(-1)
        return masked_mean((~repeated).float(), there)


def masked_mean(values: Tensor, there: Tensor) -> Tensor:
    """Return the mean over the last axis of what is there, 0 where nothing is."""
    return (values * there).sum(-1) / there.sum(-1).clamp_min(1)
