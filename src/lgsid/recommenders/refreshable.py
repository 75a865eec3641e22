"""What a recommender must offer to take a catalogue and a log that have grown without being trained again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

from torch import Tensor, nn


class Refreshable(ABC):
    """A recommender whose weights belong to no single place, user or attribute: they weigh what is known of each.

    A subclass of `Recommender` that derives from this says what of it is taken from the data; `refreshed` takes that
    anew and keeps the rest.
    """

    @abstractmethod
    def counted(self) -> Iterator[nn.Module]:
        """Yield the modules all of whose buffers `take_catalogue` fills from the data.

        Raises:
            LgsidError: if what was learned belongs to single places, as with plain item IDs.
        """

    @abstractmethod
    def trained_as(self, user: Tensor) -> Tensor:
        """Return the numbers that users of the data had in the training, -1 where unknown.

        Args:
            user: Any shape, int64, numbers of users in the data, -1 where unknown.
        """

    @abstractmethod
    def take_users(self, numbers: Tensor) -> None:
        """Take what `trained_as` is to return. A model that reads no users keeps nothing.

        Args:
            numbers: Shape (U,) int64, the number in the training by that in the data; -1 for somebody new.
        """
