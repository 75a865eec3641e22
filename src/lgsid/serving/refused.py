"""A request that is refused."""

from __future__ import annotations

from lgsid.errors import LgsidError


class Refused(LgsidError):
    """Say what was wrong with a request, in one line, with the HTTP status that fits.

    Args:
        status: HTTP status.
        error: The line.
    """

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status = status
