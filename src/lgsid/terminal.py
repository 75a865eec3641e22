"""What commands print with: log lines, progress, tables. This module and `cli` alone print."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

WIDTH = 80


def prepare_output() -> None:
    """Send log lines to standard error: ours, and warnings of others. Call it before torch is imported."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # Threads that wait for each other sleep. If they spin, one busy neighbor makes training six times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logging.getLogger("lgsid").setLevel(logging.INFO)


def console(**options: Any) -> Any:
    """Return a console: as wide as the terminal, 80 columns in a file or pipe."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else WIDTH, soft_wrap=False, highlight=False, **options)


def tell(line: str) -> None:
    """Print one line of progress at once."""
    print(line, flush=True)


def show(result: Any) -> None:
    """Print what a command returns: a text as it is, anything else as rich prints it; a mapping is silent."""
    if isinstance(result, str):
        print(result)
    elif result is not None and not isinstance(result, Mapping):
        console().print(result)


def columns(rows: Sequence[tuple[str, ...]]) -> str:
    """Return rows of texts as lines, all columns but the last as wide as needed."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    lines = ([text.ljust(width) for text, width in zip(row, widths, strict=False)] + [row[-1]] for row in rows)
    return "\n".join("  ".join(cells).rstrip() for cells in lines)
