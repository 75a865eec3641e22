"""Whether a place is in the region of the user's last one."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from lgsid.recommenders import Catalogue, Evidence
from lgsid.recommenders.check_in_source import CheckInSource
from lgsid.recommenders.evidence.query_view import QueryView
from lgsid.typing import DataShape


class PartName(Evidence):
    """A column for each region level, coarse to fine: 1 where an item is in the same known region as the last place.

    Nothing is counted, so that nothing of a user's future can be in it.
    """

    def build(self, shape: DataShape) -> None:
        """Take the number of region levels from the data; buffers of an evidence that counts are created here."""
        self.n_columns = len(shape.n_regions)

    def count(self, source: CheckInSource) -> None:
        """Do nothing: the catalogue knows the regions. Evidence that counts fills its buffers from `source.log`."""

    def columns(self, view: QueryView, catalogue: Catalogue) -> Iterator[Tensor]:
        """Yield `n_columns` columns, (B, C) float32 each, for B queries and the C items of the N that they look at.

        What is known of all items, (N,) or (B, N), is taken there by `view.at_places`.
        """
        known = (view.last >= 0)[:, None]
        for region in catalogue.region.unbind(dim=1):
            here = region[view.last.clamp_min(0)][:, None]
            yield ((here == view.at_places(region)) & (here > 0) & known).float()
