"""What commands print with: log lines, progress, tables. This module and `cli` alone print."""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Any

from lgsid.escaping import one_line, printable
from lgsid.system_errors import writing

WIDTH = 80


def prepare_output() -> None:
    """Send log lines to standard error: ours, and warnings of others. Call it before torch is imported."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # Threads that wait for each other sleep. If they spin, one busy neighbor makes training six times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as standard error does, where its encoding lacks a name
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(PrintableFormatter("%(message)s"))
    logging.getLogger("lgsid").setLevel(logging.INFO)


class PrintableFormatter(logging.Formatter):
    """Formats log lines so that no text of data acts on the terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return printable(super().format(record))


def console(**options: Any) -> Any:
    """Return a console: as wide as the terminal, 80 columns in a file or pipe."""
    from lgsid.console import DataConsole

    return DataConsole(width=None if sys.stdout.isatty() else WIDTH, soft_wrap=False, **options)


def printing() -> AbstractContextManager[None]:
    """Make an error of standard output inside the block one line."""
    return writing("standard output", "what was written to files is kept")


def tell(line: str) -> None:
    """Print one line of progress at once."""
    with printing():
        print(one_line(line), flush=True)


def complain(line: str) -> None:
    """Print one line on what went wrong to standard error, if that can be."""
    with suppress(OSError):
        print(one_line(f"lgsid: {' '.join(line.split())}"), file=sys.stderr, flush=True)


def show(result: Any) -> None:
    """Print what a command returns: a text as it is, anything else as rich prints it; a mapping is silent."""
    with printing():
        if isinstance(result, str):
            print(printable(result), flush=True)
        elif result is not None and not isinstance(result, Mapping):
            console().print(result)
            sys.stdout.flush()


def close_output() -> None:
    """Give up on what standard output did not take, so that the end of Python does not fail on it again."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def columns(rows: Sequence[tuple[str, ...]]) -> str:
    """Return rows of texts as lines, all columns but the last as wide as needed."""
    rows = [tuple(map(one_line, row)) for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    lines = ([text.ljust(width) for text, width in zip(row, widths, strict=False)] + [row[-1]] for row in rows)
    return "\n".join("  ".join(cells).rstrip() for cells in lines)
