"""Whether others went there from where the user is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from lgsid.recommenders.catalogue import Catalogue
from lgsid.recommenders.check_in_source import CheckInSource
from lgsid.recommenders.evidence.evidence import Evidence
from lgsid.recommenders.evidence.item_links import ItemLinks
from lgsid.recommenders.evidence.query_view import QueryView
from lgsid.typing import DataShape


class TransitionEvidence(Evidence):
    """Training check-ins that followed one at the user's last place: how many, which share, after the one before, back.

    Args:
        prior: Steps that a place without any counts for in the share.
    """

    n_columns = 4
    ahead_first: Tensor  # (N + 1,) see `ItemLinks`

    def __init__(self, prior: float = 5.0) -> None:
        super().__init__()
        self.prior = prior

    def build(self, shape: DataShape) -> None:
        """Create the lists of steps; they get their sizes when they are counted or loaded."""
        for name in ("ahead", "back"):
            self.register_buffer(f"{name}_first", torch.zeros(shape.n_items + 1, dtype=torch.int64))
            self.register_buffer(f"{name}_item", torch.zeros(0, dtype=torch.int64))
            self.register_buffer(f"{name}_count", torch.zeros(0))

    def count(self, source: CheckInSource) -> None:
        """Count steps from place to place."""
        n, log = len(source.dataset.items), source.log
        first, second = (log.item[rows[log.split[log.steps[1]] == "train"]] for rows in log.steps)
        steps = sparse.csr_matrix((np.ones(len(first)), (first, second)), (n, n))
        steps.sum_duplicates()
        for name, matrix in (("ahead", steps), ("back", steps.T.tocsr())):
            links = ItemLinks.of(matrix).to(self.ahead_first.device)
            for part in ("first", "item", "count"):
                setattr(self, f"{name}_{part}", getattr(links, part))

    def columns(self, view: QueryView, catalogue: Catalogue) -> Iterator[Tensor]:
        """Yield logarithms of the counts and of the share."""
        n = len(catalogue)
        ahead = self._steps("ahead", view.last, n)
        ahead = ahead - view.later_sum(view.later_item, view.later_before == view.last[:, None], n)
        ahead = view.seen(ahead)
        to_places = view.at_places(ahead)
        yield torch.log1p(to_places)
        yield torch.log1p(100 * to_places / (ahead.sum(1, keepdim=True) + self.prior))
        second = self._steps("ahead", view.second, n)
        second = second - view.later_sum(view.later_item, view.later_before == view.second[:, None], n)
        yield torch.log1p(view.at_places(view.seen(second)))
        back = self._steps("back", view.last, n)
        returns = (view.later_item == view.last[:, None]) & (view.later_before >= 0)
        yield torch.log1p(view.at_places(view.seen(back - view.later_sum(view.later_before, returns, n))))

    def _steps(self, direction: str, origin: Tensor, n_items: int) -> Tensor:
        """Return how many steps lead from each origin (B,) to each item, shape (B, N)."""
        links = ItemLinks(*(getattr(self, f"{direction}_{part}") for part in ("first", "item", "count")))
        query, item, count = links.from_items(origin)
        table = torch.zeros(len(origin), n_items, device=origin.device)
        return table.index_put_((query, item), count, accumulate=True)
