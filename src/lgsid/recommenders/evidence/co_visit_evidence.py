"""Whether those who were where the user was have been there."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from lgsid.errors import LgsidError
from lgsid.recommenders.catalogue import Catalogue
from lgsid.recommenders.check_in_source import CheckInSource
from lgsid.recommenders.evidence.evidence import Evidence
from lgsid.recommenders.evidence.item_links import ItemLinks
from lgsid.recommenders.evidence.query_view import QueryView
from lgsid.typing import DataShape

ROWS = 2048  # items whose co-visits are counted at a time


class CoVisitEvidence(Evidence):
    """Item-based neighbors: the users that a place shares with past places of the user, over the root of their users.

    Summed over the recent places, and over all places of the past. Each item keeps its nearest neighbors only.

    Args:
        neighbors: Neighbors kept of each item, by the cosine of their visitors.
        recent: Past check-ins that are recent.
    """

    n_columns = 2
    n_users: Tensor  # (N,) users with a training check-in at the item
    first: Tensor  # (N + 1,) see `ItemLinks`
    item: Tensor  # (E,)
    both: Tensor  # (E,)

    def __init__(self, neighbors: int = 200, recent: int = 20) -> None:
        super().__init__()
        if neighbors < 1:
            raise LgsidError(f"CoVisitEvidence: neighbors must be at least 1, not {neighbors}")
        self.neighbors, self.recent = neighbors, recent

    def build(self, shape: DataShape) -> None:
        """Create the list of neighbors; it gets its size when it is counted or loaded."""
        self.register_buffer("n_users", torch.zeros(shape.n_items))
        self.register_buffer("first", torch.zeros(shape.n_items + 1, dtype=torch.int64))
        self.register_buffer("item", torch.zeros(0, dtype=torch.int64))
        self.register_buffer("both", torch.zeros(0))

    def count(self, source: CheckInSource) -> None:
        """Count the users that pairs of places share, and keep the nearest neighbors."""
        log, n = source.log, len(source.dataset.items)
        training = log.split == "train"
        shape = (int(log.user.max(initial=-1)) + 1, n)
        cells = log.user[training], log.item[training]
        visited = sparse.csr_matrix((np.ones(len(cells[0]), np.float32), cells), shape)
        visited.sum_duplicates()
        visited.data[:] = 1.0
        n_users = np.asarray(visited.sum(0))[0]
        by_item = visited.T.tocsr()
        parts = [nearest(by_item[at : at + ROWS] @ visited, at, n_users, self.neighbors) for at in range(0, n, ROWS)]
        links = ItemLinks.of(sparse.vstack(parts, format="csr")).to(self.n_users.device)
        self.n_users.copy_(torch.from_numpy(n_users))
        self.first, self.item, self.both = links.first, links.item, links.count

    def columns(self, view: QueryView, catalogue: Catalogue) -> Iterator[Tensor]:
        """Yield logarithms of the sums over recent and over all past places."""
        query, place = view.visits.nonzero(as_tuple=True)
        latest = view.recent[:, -self.recent :]
        recent = torch.zeros_like(view.visits).scatter_add_(1, latest.clamp_min(0), (latest >= 0).float()) > 0
        source, item, both = ItemLinks(self.first, self.item, self.both).from_items(place)
        row, origin = query[source], place[source]
        # the user is one of those who visited both, unless the first own check-in there is yet to come
        own = ((view.later > 0) & view.new).float()
        both = (both - own[row, item]).clamp_min(0)
        weight = both / ((self.n_users[origin] + 1) * ((self.n_users[item] - own[row, item]).clamp_min(0) + 3)).sqrt()
        for counted in (weight * recent[row, origin], weight):
            table = torch.zeros_like(view.visits).index_put_((row, item), counted, accumulate=True)
            yield torch.log(view.at_places(view.seen(table)) + 0.02)


def nearest(both: sparse.csr_matrix, first: int, n_users: np.ndarray, neighbors: int) -> sparse.csr_matrix:
    """Keep the entries of each row with the highest cosine, and none of an item with itself.

    Args:
        both: Shape (R, N), users that items `first` to `first + R` share with all items.
        first: The first of them.
        n_users: Shape (N,), users of each item.
        neighbors: Entries kept of each row; among equals those of the lowest items.
    """
    both = both.tocoo()
    other = both.col != both.row + first
    row, col, data = both.row[other], both.col[other], both.data[other]
    cosine = data / np.sqrt(n_users[row + first] * n_users[col])
    order = np.lexsort((col, -cosine, row))
    row, col, data = row[order], col[order], data[order]
    starts = np.searchsorted(row, np.arange(both.shape[0]))
    kept = np.arange(len(row)) - starts[row] < neighbors
    return sparse.csr_matrix((data[kept], (row[kept], col[kept])), both.shape)
