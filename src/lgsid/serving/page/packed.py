"""A body that is sent often: compressed once, and not sent at all to those who have it."""

from __future__ import annotations

import gzip
import hashlib
import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response


class Packed:
    """A body with its gzip form and its entity tag.

    Args:
        body: The body.
        media_type: Its MIME type.
    """

    def __init__(self, body: bytes, media_type: str) -> None:
        self.body = body
        self.media_type = media_type
        self.zipped = gzip.compress(body, mtime=0)
        self.tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'

    @classmethod
    def of_json(cls, value: Any) -> Packed:
        """Pack plain values as compact JSON."""
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return cls(text.encode("utf-8"), "application/json")

    def answer(self, request: Request, cache: str, **headers: str) -> Response:
        """Answer a request: 304 if the client has this body, else the body, compressed where the client takes that.

        Args:
            request: What was asked.
            cache: The `Cache-Control` of the answer.
            headers: Further headers, with underscores for hyphens.
        """
        told = {"ETag": self.tag, "Cache-Control": cache, "Vary": "Accept-Encoding"}
        told |= {"X-Content-Type-Options": "nosniff"}
        told |= {name.replace("_", "-"): value for name, value in headers.items()}
        if self.tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=told)
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(self.zipped, headers=told | {"Content-Encoding": "gzip"}, media_type=self.media_type)
        return Response(self.body, headers=told, media_type=self.media_type)
