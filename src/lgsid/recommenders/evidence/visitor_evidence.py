"""How many users a place has had."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from lgsid.recommenders.catalogue import Catalogue
from lgsid.recommenders.check_in_source import CheckInSource
from lgsid.recommenders.evidence.evidence import Evidence
from lgsid.recommenders.evidence.query_view import QueryView
from lgsid.typing import DataShape


class VisitorEvidence(Evidence):
    """Users with a training check-in at a place, and check-ins for each of them, as logarithms.

    Two hundred check-ins are a station, or somebody's home: who has not been to a place goes where many have been.
    """

    n_columns = 2
    visitors: Tensor  # (N,) users of each item

    def build(self, shape: DataShape) -> None:
        """Create the table of users."""
        self.register_buffer("visitors", torch.zeros(shape.n_items))

    def count(self, source: CheckInSource) -> None:
        """Count the users of each item."""
        log = source.log
        training = log.split == "train"
        n = len(source.dataset.items)
        pairs = np.unique(log.user[training] * n + log.item[training])
        visitors = np.bincount(pairs % n, minlength=n)
        self.visitors.copy_(torch.from_numpy(visitors))

    def columns(self, view: QueryView, catalogue: Catalogue) -> Iterator[Tensor]:
        """Yield the logarithms of the users, and of the check-ins of each."""
        yet_to_come = view.new & (view.later > 0)
        visitors = view.at_places(view.seen(self.visitors - yet_to_come.float()))
        count = view.at_places(view.seen(catalogue.count - view.later))
        yield torch.log(visitors + 0.1)
        yield torch.log((count + 1) / (visitors + 1))
