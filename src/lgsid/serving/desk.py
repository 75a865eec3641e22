"""Asks the models on behalf of HTTP: not too many at a time, and not for too long."""

from __future__ import annotations

import asyncio

from lgsid.serving.backend import Backend, Reply
from lgsid.serving.error_body import error_body
from lgsid.serving.limits import Limits
from lgsid.serving.metrics import Metrics
from lgsid.serving.schemas import Request, RollbackRequest, SwapRequest

SWAP_TIMEOUT_S = 600.0  # loading takes longer than answering, and nobody waits in vain


class Desk:
    """Takes requests from the routes.

    Args:
        backend: The models.
        limits: How many requests may wait, and how long.
        metrics: Numbers to count in.
    """

    def __init__(self, backend: Backend, limits: Limits, metrics: Metrics) -> None:
        self.backend, self.limits, self.metrics = backend, limits, metrics
        self.waiting = 0

    async def ask(self, request: Request) -> Reply:
        """Return the reply; 503 where too many wait already, or where it takes too long."""
        if self.waiting >= self.limits.waiting:
            return Reply(503, error_body(f"busy: {self.limits.waiting} requests are waiting; try again in a second"))
        changes = isinstance(request, (SwapRequest, RollbackRequest))
        timeout = SWAP_TIMEOUT_S if changes else self.limits.timeout_s
        self.waiting += 1
        self.metrics.waiting.set(self.waiting)
        try:
            reply = await asyncio.wait_for(self.backend.ask(request), timeout)
        except asyncio.TimeoutError:
            return Reply(503, error_body(f"no answer within {timeout:g} seconds; try again"))
        finally:
            self.waiting -= 1
            self.metrics.waiting.set(self.waiting)
        self.metrics.batch.observe(reply.batch)
        if reply.status == 200 and isinstance(request, (SwapRequest, RollbackRequest)):
            self.metrics.swaps.labels(request.model).inc()
        return reply
