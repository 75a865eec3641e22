"""Answers and errors as replies."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from lgsid.errors import LgsidError
from lgsid.serving import schemas as s
from lgsid.serving.backend import Reply
from lgsid.serving.error_body import error_body
from lgsid.serving.json_log import log
from lgsid.serving.refused import Refused
from lgsid.serving.tracebacks import where


def told(call: Callable[..., Any], *args: Any) -> Any:
    """Return what a call returns, or the `LgsidError` that it raises."""
    try:
        return call(*args)
    except LgsidError as error:
        return error


def attempted(call: Callable[..., Any], *args: Any) -> Any:
    """Return what a call returns, or the error of any kind that it raises; where ours is at fault, that is logged."""
    try:
        return call(*args)
    except LgsidError as error:
        return error
    except Exception as error:  # a service goes on, whatever it was
        log("internal error", logging.ERROR, error=type(error).__name__, at=where(error))
        return error


def replied(found: s.Answer | Exception, batch: int = 1) -> Reply:
    """Return an answer, or an error, as a reply."""
    if isinstance(found, Refused):
        return Reply(found.status, error_body(str(found)), batch=batch)
    if isinstance(found, LgsidError):
        return Reply(422, error_body(str(found)), batch=batch)
    if isinstance(found, Exception):
        return Reply(500, error_body(f"internal error ({type(found).__name__}); the log of the server has more"))
    by: s.ServedBy | None = getattr(found, "served_by", None)
    body = found.model_dump_json().encode()
    return Reply(200, body, "" if by is None else by.model, "" if by is None else by.generation, batch)
