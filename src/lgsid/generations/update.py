"""The contract of an update: from a generation to the places of the next one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from lgsid.generations.change import Change

if TYPE_CHECKING:
    from lgsid.generations.generation import Generation


class Update(ABC):
    """Make the places of the next generation. The same update of the generation that it made changes nothing."""

    command: ClassVar[str]

    @abstractmethod
    def apply(self, current: Generation) -> Change:
        """Return what the update makes of a generation. Nothing is written.

        Raises:
            LgsidError: if it cannot be made.
        """
