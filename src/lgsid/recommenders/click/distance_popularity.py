"""What distance and popularity alone explain."""

from __future__ import annotations

import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor, nn

from lgsid.recommenders.click.discriminative_recommender import DiscriminativeRecommender
from lgsid.recommenders.click.distance_features import LogDistance
from lgsid.typing import DataShape, SequenceBatch


class DistancePopularity(DiscriminativeRecommender):
    """Score places by a logistic model on distance from the last place and popularity: what any model must beat.

    With `MatchedNegatives` popularity tells nothing by itself, and distance only the negatives from anywhere.

    Args:
        distance: Whether it sees the distance.
        popularity: Whether it sees the number of training check-ins.
        optimizer: Makes the optimizer from the parameters.
    """

    def __init__(
        self,
        distance: bool = True,
        popularity: bool = True,
        optimizer: OptimizerCallable = lambda p: torch.optim.AdamW(p, lr=3e-2, weight_decay=0.0),
    ) -> None:
        super().__init__(optimizer)
        self.save_hyperparameters()
        self.distance = distance
        self.popularity = popularity

    def build(self, shape: DataShape) -> None:
        """Create the weights."""
        super().build(shape)
        self.distance_features = LogDistance()
        self.linear = nn.Linear(self.distance_features.dim * self.distance + self.popularity, 1)

    def candidate_scores(self, batch: SequenceBatch, candidate: Tensor) -> Tensor:
        """Return logits, shape (B, C)."""
        parts = []
        if self.distance:
            parts.append(self.distance_features(self.km_from_last(batch, candidate)))
        if self.popularity:
            parts.append(self.log_popularity(batch, candidate)[..., None])
        if not parts:
            return self.linear.bias.expand(candidate.shape)
        logits: Tensor = self.linear(torch.cat(parts, dim=-1))[..., 0]
        return logits
