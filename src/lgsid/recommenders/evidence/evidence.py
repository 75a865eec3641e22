"""What speaks for a place that is new to a user, as columns of a table that a small network reads."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from lgsid.construction import Describable
from lgsid.recommenders.catalogue import Catalogue
from lgsid.recommenders.check_in_source import CheckInSource
from lgsid.recommenders.evidence.query_view import QueryView
from lgsid.typing import DataShape


class Evidence(Describable, nn.Module, ABC):
    """One kind of evidence: columns over all items for each query, from counts over the training split or from content.

    `build` creates its buffers, `count` fills them as part of the training, a checkpoint brings them back; buffers may
    have any size, such as that of a list of transitions. Counts that `columns` returns must not hold the user's own
    check-ins from the query on, which the view tells; of an item that the view hides they must be none at all, which
    `QueryView.seen` sees to.
    """

    n_columns: int
    """How many columns it has; known after `build`."""

    @abstractmethod
    def build(self, shape: DataShape) -> None:
        """Create the buffers."""

    @abstractmethod
    def count(self, source: CheckInSource) -> None:
        """Fill the buffers.

        Raises:
            LgsidError: if the data lack what it needs.
        """

    @abstractmethod
    def columns(self, view: QueryView, catalogue: Catalogue) -> Iterator[Tensor]:
        """Yield `n_columns` columns, shape (B, C) float32 each, finite, of any scale.

        Args:
            view: B queries, and the C of the N items that they look at: all of them, or some, so that training does
                not pay for all. `QueryView.at_places` and `QueryView.at_places_of` take what is known of items there.
            catalogue: The N items.
        """

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        """Give buffers the sizes that they have in the checkpoint."""
        for name, buffer in self._buffers.items():
            kept = state_dict.get(prefix + name)
            if buffer is not None and kept is not None and kept.shape != buffer.shape:
                setattr(self, name, torch.empty_like(kept, device=buffer.device))
        super()._load_from_state_dict(state_dict, prefix, *args)
