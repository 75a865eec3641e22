"""Who may swap models."""

from __future__ import annotations

import hmac

from fastapi import HTTPException, Request

LOCAL = ("127.0.0.1", "::1")
LOCAL_NAMES = ("127.0.0.1", "::1", "[::1]", "localhost")
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")


class AdminGuard:
    """Lets in whoever has the token; without a token, programs of the same machine only.

    A web page that a browser of this machine shows is no such program: its requests name another host or origin. Nor is
    what a proxy of this machine passes on.

    Args:
        token: The token, empty for none.
    """

    def __init__(self, token: str = "") -> None:
        self.token = token

    def __call__(self, request: Request) -> None:
        """Refuse a request with 401 or 403, or let it pass."""
        if self.token:
            given = request.headers.get("authorization", "").removeprefix("Bearer ")
            if not hmac.compare_digest(given.encode(), self.token.encode()):
                raise HTTPException(401, "admin: send the header Authorization: Bearer TOKEN")
            return
        host = request.headers.get("host", "").rpartition(":")
        name = host[0] if host[0] and host[2].isdigit() else request.headers.get("host", "")
        is_local = request.client is not None and request.client.host in LOCAL and name in LOCAL_NAMES
        if not is_local or "origin" in request.headers or any(header in request.headers for header in FORWARDED):
            raise HTTPException(403, "admin: from this machine only, or start the server with LGSID_ADMIN_TOKEN set")
