"""A ranking model that is not told distances."""

from __future__ import annotations

from torch import Tensor

from lgsid.recommenders.discriminative.distance_features import DistanceFeatures


class NoDistance(DistanceFeatures):
    """Leave the distance out: what is known of geography then comes from semantic IDs and regions."""

    def forward(self, km: Tensor) -> Tensor:
        """Return no features, shape (..., 0)."""
        return km[..., None][..., :0].float()
