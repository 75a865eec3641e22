"""Whether the user has been to other branches of the same chain."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from lgsid.recommenders.catalogue import Catalogue
from lgsid.recommenders.check_in_source import CheckInSource
from lgsid.recommenders.evidence.evidence import Evidence
from lgsid.recommenders.evidence.query_view import QueryView
from lgsid.typing import DataShape


class BrandEvidence(Evidence):
    """Past check-ins of the user at places of the same chain, as a logarithm; zero for what belongs to no chain."""

    n_columns = 1

    def build(self, shape: DataShape) -> None:
        """Keep the number of chains."""
        self.n_brands = max(shape.n_brands, 1)

    def count(self, source: CheckInSource) -> None:
        """Do nothing: the catalogue knows the chains."""

    def columns(self, view: QueryView, catalogue: Catalogue) -> Iterator[Tensor]:
        """Yield the logarithm of one plus the check-ins."""
        past = torch.zeros(len(view), self.n_brands, device=view.visits.device)
        past.index_add_(1, catalogue.brand, view.visits)
        past[:, 0] = 0.0  # no chain
        yield view.at_places_of(torch.log1p(past), catalogue.brand)
