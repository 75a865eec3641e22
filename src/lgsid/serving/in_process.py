"""The models in the process of the HTTP server: for tests, notebooks and other ASGI servers."""

from __future__ import annotations

import asyncio

from lgsid.serving.backend import Backend, Reply
from lgsid.serving.schemas import Request
from lgsid.serving.service import Service


class InProcess(Backend):
    """Answers in a thread of this process, one request at a time.

    Args:
        service: The models.
    """

    def __init__(self, service: Service) -> None:
        self.service = service

    async def ask(self, request: Request) -> Reply:
        """Return the reply of the service."""
        (reply,) = await asyncio.to_thread(self.service.reply, [request])
        return reply
