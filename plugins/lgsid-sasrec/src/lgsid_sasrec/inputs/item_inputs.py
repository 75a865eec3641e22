"""Base class of the vectors of items, which are both input and output layer."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from lgsid.construction import Describable
from lgsid.recommenders.catalogue import Catalogue
from lgsid.typing import DataShape


class ItemInputs(Describable, nn.Module, ABC):
    """Give every item a vector; the history is read by them, and items are scored by them."""

    @abstractmethod
    def build(self, shape: DataShape, width: int) -> None:
        """Create the layers for vectors of `width` values.

        Raises:
            LgsidError: if the data lack what they need.
        """

    @abstractmethod
    def forward(self, catalogue: Catalogue) -> Tensor:
        """Return the vectors of all items, shape (N, width)."""
