"""One bad, or odd, input: how it is made, which command reads it, and what has to come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Expect = Literal["refused", "read", "either"]
Check = Callable[[Path, str], str | None]
"""Given the folder and what the command printed, returns what is wrong with the result, `None` if nothing is."""


def nothing(_: Path) -> None:
    """Make no input."""


def any_result(_: Path, __: str) -> str | None:
    """Accept whatever was read."""
    return None


@dataclass(frozen=True)
class Case:
    """One input.

    Args:
        name: Name inside its family, unique.
        command: Words after `lgsid`. The folder is the working directory; `shared` in it holds what all cases read.
        make: Writes the input into the folder. It runs in the process of the command, so that it can also set
            environment variables and the import path.
        expect: Whether the command must refuse it, must read it, or may do either as long as it is not read wrong.
        check: Compares what was read with what the case knows.
        names: Texts of which the error line has to contain at least one; any line will do if empty.
        keeps: Patterns of files that a command that refuses its input may leave, since they are not half-written.
    """

    name: str
    command: tuple[str, ...]
    make: Callable[[Path], None] = nothing
    expect: Expect = "refused"
    check: Check = any_result
    names: tuple[str, ...] = ()
    keeps: tuple[str, ...] = ()
