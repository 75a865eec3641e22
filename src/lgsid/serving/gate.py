"""What every HTTP request passes: bounds on its body, one line of log, numbers, and errors that are JSON."""

from __future__ import annotations

import asyncio
import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lgsid.serving.error_body import error_body
from lgsid.serving.json_log import log
from lgsid.serving.limits import Limits
from lgsid.serving.metrics import Metrics
from lgsid.serving.tracebacks import where

UNMATCHED = "unmatched"
NEEDLESS = ("/metrics", "/health")  # asked every few seconds by machines


class BodyTooLarge(Exception):
    """The body of a request is larger than the limit."""


class Gate:
    """Reads the whole body within its limits before anything else runs, and answers for what goes wrong further in.

    The log has method, route, status, milliseconds, model, generation and size of the batch of each request: no path
    (which may hold ids), no address, nothing of the body.

    Args:
        app: The application.
        limits: Largest body, and how long one may take to arrive.
        metrics: Numbers to count in.
    """

    def __init__(self, app: ASGIApp, limits: Limits, metrics: Metrics) -> None:
        self.app, self.limits, self.metrics = app, limits, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status, begun = time.perf_counter(), 500, False

        async def noted(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                status, begun = message["status"], True
            await send(message)

        try:
            body = await self._read(scope, receive, noted)
            if body is not None:
                await self.app(scope, replayed(body, receive), noted)
        except Exception as error:  # whatever it was, the next request is answered
            log("internal error", logging.ERROR, error=type(error).__name__, at=where(error))
            if not begun:
                await refuse(noted, 500, f"internal error ({type(error).__name__}); the log of the server has more")
        finally:
            self._tell(scope, status, time.perf_counter() - started)

    async def _read(self, scope: Scope, receive: Receive, send: Send) -> bytes | None:
        """Return the body, none where it was refused."""
        try:
            return await asyncio.wait_for(self._body(scope, receive), self.limits.timeout_s)
        except BodyTooLarge:
            await refuse(send, 413, f"body: at most {self.limits.body_bytes} bytes")
        except asyncio.TimeoutError:
            await refuse(send, 408, f"body: did not arrive within {self.limits.timeout_s:g} seconds")
        return None

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if length.isdigit() and int(length[:20]) > self.limits.body_bytes:
            raise BodyTooLarge
        parts, size, more = [], 0, True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                break
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            more = message.get("more_body", False)
            if size > self.limits.body_bytes:
                raise BodyTooLarge
        return b"".join(parts)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", UNMATCHED)
        self.metrics.answered(route, status, seconds)
        if route not in NEEDLESS or status >= 400:
            told = scope.get("state", {}).get("told", {})
            log("request", method=scope["method"], route=route, status=status, ms=round(seconds * 1e3, 1), **told)


def replayed(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives a body which was read already, then waits for the client to leave."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def refuse(send: Send, status: int, error: str) -> None:
    """Send an error."""
    body = error_body(error)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
