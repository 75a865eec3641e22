"""What stands between HTTP and the models: takes requests, gives replies."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from lgsid.serving.schemas import Request


@dataclass(frozen=True)
class Reply:
    """An answer ready to be sent.

    Args:
        status: HTTP status.
        body: JSON.
        model: Name of the model that answered, empty where none did.
        generation: Generation of its semantic IDs.
        batch: How many requests were answered together with this one, itself included.
    """

    status: int
    body: bytes
    model: str = ""
    generation: str = ""
    batch: int = 1


class Backend(ABC):
    """Takes one request at a time from the event loop; may gather several before it answers them."""

    @abstractmethod
    async def ask(self, request: Request) -> Reply:
        """Return the reply to a request; errors are replies, too.

        May be cancelled while it waits.
        """
