"""Whether the user's past lies around a place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from lgsid.errors import LgsidError
from lgsid.recommenders.catalogue import Catalogue
from lgsid.recommenders.check_in_source import CheckInSource
from lgsid.recommenders.evidence.area_grid import AreaGrid
from lgsid.recommenders.evidence.evidence import Evidence
from lgsid.recommenders.evidence.query_view import QueryView
from lgsid.typing import DataShape


class AreaEvidence(Evidence):
    """Share of the places of the user's past that lie around a place, and its lift over everybody's check-ins there.

    At several scales, as logarithms: a street, a quarter, a part of the city. The distance to single places of the past
    is `DistanceEvidence`; here all of them count, each once.

    Args:
        widths_km: Widths of the cubes that say what lies around (`AreaGrid`), one for each scale.
        floor: Added to both shares.
    """

    def __init__(self, widths_km: Sequence[float] = (0.3, 1.0, 3.0), floor: float = 1e-3) -> None:
        super().__init__()
        if not widths_km or min(widths_km) <= 0:
            raise LgsidError(f"AreaEvidence: widths_km must be one or more widths above 0, not {list(widths_km)}")
        if floor <= 0:
            raise LgsidError(f"AreaEvidence: floor must be above 0, not {floor}")
        self.widths_km, self.floor = tuple(widths_km), floor
        self.n_columns = 2 * len(self.widths_km)

    def build(self, shape: DataShape) -> None:
        """Do nothing: the catalogue knows where items are, and how often they are visited."""

    def count(self, source: CheckInSource) -> None:
        """Do nothing: nothing is counted."""

    def columns(self, view: QueryView, catalogue: Catalogue) -> Iterator[Tensor]:
        """Yield, for each width, the logarithms of the share and of the lift."""
        place = view.recent.clamp_min(0)
        own = (view.recent >= 0) / view.visits.gather(1, place).clamp_min(1)  # a place counts once in all
        own = own / own.sum(1, keepdim=True).clamp_min(1)
        total = view.seen(catalogue.count - view.later).sum(1, keepdim=True).clamp_min(1)
        for width_km in self.widths_km:
            grid = grid_of(catalogue, width_km)
            here = grid.around_some(place, own, view.places) + self.floor
            yield torch.log(here)
            everybody = check_ins_around(view, catalogue, width_km) / total
            yield torch.log(here / (everybody + self.floor))


def check_ins_around(view: QueryView, catalogue: Catalogue, width_km: float) -> Tensor:
    """Return how many of everybody's check-ins that the queries may see lie around each place, (B, C) or (1, N)."""
    grid = grid_of(catalogue, width_km)
    if view.hidden is not None:
        return view.at_places(grid.around(view.seen(catalogue.count - view.later)))
    known: Tensor = catalogue.derived(
        f"check-ins around, {width_km} km", lambda: grid.around(catalogue.count.float()[None])[0]
    )
    if not view.later_item.shape[1]:
        return view.at_places(known)
    later = grid.around_some(view.later_item.clamp_min(0), (view.later_item >= 0).float(), view.places)
    return (view.at_places(known) - later).clamp_min(0)


def grid_of(catalogue: Catalogue, width_km: float) -> AreaGrid:
    """Return the grid of the places of a catalogue, computed when it is first asked for."""
    made: AreaGrid = catalogue.derived(f"grid of {width_km} km", lambda: AreaGrid.of(catalogue.position_km, width_km))
    return made
