"""The one exception that the command line turns into a single line and exit code 2."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class LgsidError(Exception):
    """Say what was wrong, where, and what to do, in one line a user can act on."""


@contextmanager
def located(where: object) -> Iterator[None]:
    """Put a place, such as a file, before the message of an `LgsidError` that the block raises."""
    try:
        yield
    except LgsidError as error:
        raise LgsidError(f"{where}: {error}") from error
