"""How far a place is from where the user is and usually is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from typing_extensions import Self

from lgsid.recommenders.catalogue import Catalogue
from lgsid.recommenders.check_in_source import CheckInSource
from lgsid.recommenders.evidence.evidence import Evidence
from lgsid.recommenders.evidence.query_view import QueryView
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
        ways = Ways.of(view, catalogue)
        last = ways.km(view.last)
        yield from self._curves(last)
        yield from self._curves(ways.km(view.second))
        yield from self._curves(ways.km(view.favorite))
        nearest = last.square()
        for back in range(2, min(self.recent, view.recent.shape[1]) + 1):
            origin = torch.where(view.recent[:, -back] < 0, view.last, view.recent[:, -back])
            nearest = torch.minimum(nearest, ways.squared_km(origin.clamp_min(0)))
        yield from self._curves(nearest.sqrt().masked_fill((view.last < 0)[:, None], torch.nan))
        share, place = view.usual.topk(min(self.usual, len(catalogue)), dim=1)
        place = place.masked_fill(share <= 0, -1)
        pull = torch.zeros_like(last)
        for which in range(place.shape[1]):
            km = ways.km(place[:, which])
            if which == 0:
                yield from self._curves(km)
            pull = pull + share[:, which, None] * torch.exp(-(km / self.scale_km).sqrt()).nan_to_num(0.0)
        yield torch.log(pull + 1e-4)

    def _curves(self, km: Tensor) -> Iterator[Tensor]:
        yield (km / self.scale_km).sqrt().nan_to_num(0.0)
        yield torch.log(km + 0.05).nan_to_num(0.0)
        yield torch.exp(-km / self.scale_km).nan_to_num(0.0)


@dataclass(frozen=True)
class Ways:
    """Straight ways, through the Earth, from items to the places that B queries look at."""

    axes: Sequence[Tensor]  # three of (N,) float32 km, Earth-centered positions of the items
    places: Sequence[Tensor]  # three of (B, C) or (1, C), those of the places

    @classmethod
    def of(cls, view: QueryView, catalogue: Catalogue) -> Self:
        """Return the ways to what the queries look at."""
        axes: Tensor = catalogue.derived("axes", lambda: catalogue.position_km.T.contiguous())  # (3, N)
        return cls(axes.unbind(), [view.at_places(axis) for axis in axes])

    def squared_km(self, origin: Tensor) -> Tensor:
        """Return the squared length from one item per query, (B,), shape (B, C) km^2."""
        squared = torch.zeros(len(origin), self.places[0].shape[1], device=origin.device)
        for axis, place in zip(self.axes, self.places, strict=True):
            offset = axis[origin][:, None] - place
            squared.addcmul_(offset, offset)
        return squared

    def km(self, origin: Tensor) -> Tensor:
        """Return the length from one item per query, (B,), -1 where unknown, shape (B, C) km, NaN where unknown."""
        return self.squared_km(origin.clamp_min(0)).sqrt_().masked_fill_((origin < 0)[:, None], torch.nan)
