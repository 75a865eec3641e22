"""The models in a worker process of LitServe, behind its queue."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from litserve import LitAPI, LitServer
from litserve.server import BaseRequestHandler
from litserve.utils import ResponseBufferItem

from lgsid.serving.backend import Backend, Reply
from lgsid.serving.gathering_loop import GatheringLoop
from lgsid.serving.json_log import log, log_as_json
from lgsid.serving.limits import Limits
from lgsid.serving.schemas import Request

API_PATH = "/ask"  # LitServe names the queue after it; the route itself is taken away


@dataclass(frozen=True)
class Served:
    """What a worker loads.

    Args:
        models: Name -> model.ckpt, run folder of a model; or one run folder of a pipeline under an empty name.
        files: Fields of `ModelFiles` that hold for all of them.
        threads: Threads of torch.
    """

    models: dict[str, str]
    files: dict[str, str | None] = field(default_factory=dict)
    threads: int = 1


class QueuedApi(LitAPI):  # type: ignore[misc]  # LitServe has no types
    """Holds the service in the worker.

    Args:
        served: What to load.
        limits: How much one request may ask for.
        failure: File for the reason why it could not be loaded.
        max_batch_size: Requests answered together at most.
        batch_timeout: Seconds to wait for more of them.
    """

    def __init__(
        self, served: Served, limits: Limits, failure: Path, max_batch_size: int = 16, batch_timeout: float = 0.0
    ) -> None:
        super().__init__(max_batch_size, batch_timeout, API_PATH, loop=GatheringLoop())
        self.served, self.limits, self.failure = served, limits, failure

    def setup(self, device: str) -> None:
        """Load the models.

        Raises:
            LgsidError: if one cannot be loaded; the reason is left in the file, too.
        """
        import torch

        from lgsid.errors import LgsidError
        from lgsid.serving.model_files import files_of
        from lgsid.serving.service import Service

        log_as_json()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: what is asked is answered before the end
        torch.set_num_threads(self.served.threads)
        try:
            self.service = Service.load(files_of(self.served.models, self.served.files), self.limits)
        except LgsidError as error:
            self.failure.write_text(str(error), encoding="utf-8")
            logging.getLogger("litserve").setLevel(logging.CRITICAL)  # the reason in one line is enough
            raise
        for state in self.service.health().models:
            log("model", **state.model_dump(include={"model", "title", "hash", "generation", "n_places", "can"}))

    def predict(self, x: Sequence[Request], **kwargs: Any) -> list[Reply]:
        """Return the replies to requests."""
        return self.service.reply(x)


class Queued(BaseRequestHandler, Backend):  # type: ignore[misc]  # LitServe has no types
    """Puts requests into the queue of the worker and waits for the replies.

    Args:
        lit_api: What the worker runs.
        server: The server that they belong to.
    """

    def __init__(self, lit_api: QueuedApi, server: LitServer) -> None:
        super().__init__(lit_api, server)

    async def ask(self, request: Request) -> Reply:
        """Return the reply; forgets the request when it is cancelled."""
        reply: Reply = await self.handle_request(request, type(request))
        return reply

    async def handle_request(self, request: Request, request_type: type) -> Reply:
        """Wait for the reply to a request."""
        uid, _ = await self._submit_request(request)
        event = asyncio.Event()
        self.server.response_buffer[uid] = ResponseBufferItem(event)
        try:
            await event.wait()
            reply: Reply = self.server.response_buffer[uid].response[0]
        finally:
            self.server.response_buffer.pop(uid, None)
        return reply
