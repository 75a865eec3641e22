"""Base class of losses of the next item."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor

from lgsid.construction import Describable


class NextItemLoss(Describable, ABC):
    """Compare states with the items that came next; the score of an item is its dot product with the state."""

    @abstractmethod
    def __call__(self, state: Tensor, table: Tensor, target: Tensor) -> Tensor:
        """Return the mean loss.

        Args:
            state: Shape (B, D).
            table: Vectors of all items, shape (N, D).
            target: Rows of the items that came next, shape (B,) int64.

        Returns:
            A scalar.
        """
