"""What commands print with: log lines, progress, tables. This module and `cli` alone print."""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from lgsid.escaping import one_line, printable

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


def tell(line: str) -> None:
    """Print one line of progress at once."""
    print(one_line(line), flush=True)


def complain(line: str) -> None:
    """Print one line on what went wrong to standard error."""
    print(one_line(f"lgsid: {' '.join(line.split())}"), file=sys.stderr, flush=True)


def show(result: Any) -> None:
    """Print what a command returns: a text as it is, anything else as rich prints it; a mapping is silent."""
    if isinstance(result, str):
        print(printable(result))
    elif result is not None and not isinstance(result, Mapping):
        console().print(result)


def columns(rows: Sequence[tuple[str, ...]]) -> str:
    """Return rows of texts as lines, all columns but the last as wide as needed."""
    rows = [tuple(map(one_line, row)) for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    lines = ([text.ljust(width) for text, width in zip(row, widths, strict=False)] + [row[-1]] for row in rows)
    return "\n".join("  ".join(cells).rstrip() for cells in lines)
