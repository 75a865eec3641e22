"""The contract of what check-ins tell of places."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import numpy.typing as npt

from lgsid.construction import Describable
from lgsid.tokenizers.visits import Visits


class VisitSignal(Describable, ABC):
    """Turn the training check-ins at places into a vector for each.

    A place without check-ins, which is also what a new place is, has the zero vector: nothing is known, and it differs
    from others no more than they do from their mean.
    """

    @property
    @abstractmethod
    def width(self) -> int:
        """Width of the vectors, which does not depend on the check-ins."""

    @abstractmethod
    def of(self, visits: Visits) -> npt.NDArray[np.float32]:
        """Return the vectors of the N places, shape (N, width); the order of the check-ins does not matter."""
