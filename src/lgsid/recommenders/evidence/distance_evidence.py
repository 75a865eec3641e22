"""How far a place is from where the user is and usually is."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from lgsid.recommenders.catalogue import Catalogue
from lgsid.recommenders.check_in_source import CheckInSource
from lgsid.recommenders.evidence.evidence import Evidence
from lgsid.recommenders.evidence.query_view import QueryView, distances_km, squared_km
from lgsid.typing import DataShape


class DistanceEvidence(Evidence):
    """Distance from the last place, the one before, the favorite, the nearest of the recent ones, and the usual one.

    Each as three curves: the root of the distance, its logarithm, and a decay over some streets. The usual place is
    where the user is at such a time; in the last column the usual places pull together, each by its share.

    Args:
        recent: Past check-ins among which the nearest is looked for.
        usual: Usual places that pull.
        scale_km: Scale of the root and the decays.
    """

    n_columns = 16

    def __init__(self, recent: int = 20, usual: int = 10, scale_km: float = 0.3) -> None:
        super().__init__()
        self.recent, self.usual = recent, usual
        self.scale_km = scale_km

    def build(self, shape: DataShape) -> None:
        """Do nothing: the catalogue knows where items are."""

    def count(self, source: CheckInSource) -> None:
        """Do nothing: nothing is counted."""

    def columns(self, view: QueryView, catalogue: Catalogue) -> Iterator[Tensor]:
        """Yield three curves for each origin, zeros where the user has been nowhere."""
        last = distances_km(catalogue, view.last)
        yield from self._curves(last)
        yield from self._curves(distances_km(catalogue, view.second))
        yield from self._curves(distances_km(catalogue, view.favorite))
        nearest = last.square()
        for back in range(2, min(self.recent, view.recent.shape[1]) + 1):
            origin = torch.where(view.recent[:, -back] < 0, view.last, view.recent[:, -back])
            nearest = torch.minimum(nearest, squared_km(catalogue, origin.clamp_min(0)))
        yield from self._curves(nearest.sqrt().masked_fill((view.last < 0)[:, None], torch.nan))
        share, place = view.usual.topk(min(self.usual, len(catalogue)), dim=1)
        place = place.masked_fill(share <= 0, -1)
        pull = torch.zeros_like(last)
        for which in range(place.shape[1]):
            km = distances_km(catalogue, place[:, which])
            if which == 0:
                yield from self._curves(km)
            pull = pull + share[:, which, None] * torch.exp(-(km / self.scale_km).sqrt()).nan_to_num(0.0)
        yield torch.log(pull + 1e-4)

    def _curves(self, km: Tensor) -> Iterator[Tensor]:
        yield (km / self.scale_km).sqrt().nan_to_num(0.0)
        yield torch.log(km + 0.05).nan_to_num(0.0)
        yield torch.exp(-km / self.scale_km).nan_to_num(0.0)
