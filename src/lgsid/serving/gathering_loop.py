"""The loop of LitServe's worker: waits for a request, gathers those behind it, answers all at once."""

from __future__ import annotations

import threading
import time
from queue import Empty, Queue
from typing import Any

from litserve import LitAPI
from litserve.loops.base import LitLoop
from litserve.transport.base import MessageTransport
from litserve.utils import LitAPIStatus, LoopResponseType

from lgsid.serving.schemas import RollbackRequest, SwapRequest

IDLE_S = 60.0


class GatheringLoop(LitLoop):  # type: ignore[misc]  # LitServe has no types
    """Sleep until a request comes; LitServe's own loops with batches ask the queue again and again.

    After the first request, further ones are taken for `batch_timeout` seconds, or as many as are there already if that
    is 0. Swaps are done beside, in a thread: nobody waits for the loading of a model.
    """

    def run(
        self,
        lit_api: LitAPI,
        device: str,
        worker_id: int,
        request_queue: Queue[Any],
        transport: MessageTransport,
        workers_setup_status: dict[int, str],
        callback_runner: object,
    ) -> None:
        """Answer one batch; LitServe calls it for ever."""
        batch = self.gather(lit_api, request_queue)
        changes = [waiting for waiting in batch if isinstance(waiting[-1], (SwapRequest, RollbackRequest))]
        for waiting in changes:
            threading.Thread(target=self.answer, args=(lit_api, [waiting], transport), daemon=True).start()
        self.answer(lit_api, [waiting for waiting in batch if waiting not in changes], transport)

    def gather(self, lit_api: LitAPI, request_queue: Queue[Any]) -> list[tuple[int, str, Any]]:
        """Return the next requests with where and under which id to answer; none after a minute without one.

        Those whose sender has given up are left out.
        """
        found: list[tuple[int, str, Any]] = []
        until = None
        while len(found) < lit_api.max_batch_size:
            try:
                if until is None:
                    waiting = request_queue.get(timeout=IDLE_S)
                    until = time.monotonic() + lit_api.batch_timeout
                else:
                    left = until - time.monotonic()
                    waiting = request_queue.get(timeout=left) if left > 0 else request_queue.get_nowait()
            except Empty:
                break
            queue, uid, sent, request = waiting
            if request is None:  # LitServe's sign to stop
                raise SystemExit
            if time.monotonic() - sent <= lit_api.request_timeout:
                found.append((queue, uid, request))
        return found

    def answer(self, lit_api: LitAPI, batch: list[tuple[int, str, Any]], transport: MessageTransport) -> None:
        """Answer requests together and send the replies."""
        if batch:
            replies = lit_api.predict([request for _, _, request in batch])
            for (queue, uid, _), reply in zip(batch, replies, strict=True):
                self.put_response(transport, queue, uid, reply, LitAPIStatus.OK, LoopResponseType.REGULAR)
