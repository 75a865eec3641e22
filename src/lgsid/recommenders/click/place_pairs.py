"""What two places have in common and how far they are apart."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lgsid.recommenders.catalogue import Catalogue
from lgsid.recommenders.click.distance_features import DistanceFeatures


@dataclass(frozen=True)
class PlacePairs:
    """Compare visited places with candidates; item rows of any shapes that broadcast.

    Args:
        catalogue: The items.
        distance: How the distance between two places is seen, the click model's own: `NoDistance` hides it here, too.
        with_sids: Whether the prefixes of semantic IDs are compared.
        with_attributes: Whether categories and regions are compared.
    """

    catalogue: Catalogue
    distance: DistanceFeatures
    with_sids: bool
    with_attributes: bool = True

    @property
    def n_match(self) -> int:
        """Number of columns of `match`."""
        return 1 + self.with_attributes + (self.catalogue.codes.shape[1] if self.with_sids else 0)

    @property
    def n_cross(self) -> int:
        """Number of columns of `cross`."""
        return self.n_match + self._regions.shape[1] + self.distance.dim

    @property
    def _regions(self) -> Tensor:
        """The regions that are compared, (N, R), coarse to fine."""
        return self.catalogue.region if self.with_attributes else self.catalogue.region[:, :0]

    def same_category(self, past: Tensor, here: Tensor) -> Tensor:
        """Tell which pairs have the same category, shape (...) bool."""
        return self.catalogue.category[past] == self.catalogue.category[here]

    def match(self, past: Tensor, here: Tensor) -> Tensor:
        """Return what pairs share: place, category, each prefix of the semantic ID. Shape (..., Y) float32.

        The sum of the last columns is the depth of the common prefix.
        """
        shared = [past == here]
        if self.with_attributes:
            shared.append(self.same_category(past, here))
        if self.with_sids:
            prefix = torch.ones_like(shared[0])
            for codes in self.catalogue.codes.unbind(1):
                prefix = prefix & (codes[past] == codes[here])
                shared.append(prefix)
        return torch.stack(shared, dim=-1).float()

    def cross(self, past: Tensor, here: Tensor) -> Tensor:
        """Return `match`, the regions that pairs share, coarse to fine, and their distance. (..., G) float32."""
        parts = [self.match(past, here)]
        parts += [(region[past] == region[here])[..., None].float() for region in self._regions.unbind(1)]
        if self.distance.dim:
            parts.append(self.distance(self.catalogue.km(past, here)))
        return torch.cat(parts, dim=-1)
