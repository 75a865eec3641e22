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


def cause_of(error: BaseException) -> BaseException:
    """Return the first error of ours in a chain of causes, or where it began if none is ours."""
    chain = list(causes(error))
    return next((found for found in chain if isinstance(found, LgsidError)), chain[-1])


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, the error that caused it, and so on."""
    current: BaseException | None = error
    seen: set[int] = set()
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__
