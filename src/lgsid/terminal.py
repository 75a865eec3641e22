"""What every verb of the command line needs: arguments, log lines, tables. These modules and `cli` alone print."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from typing import Any

from lgsid.errors import LgsidError

WIDTH = 80


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message: str) -> Any:
        """Raise instead of printing the usage."""
        raise LgsidError(f"{message}; see `{self.prog} --help`")


def prepare_output() -> None:
    """Send log lines to standard error: ours, and warnings of others. Call it before torch is imported."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # Threads that wait for each other sleep. If they spin, one busy neighbour makes training six times slower.
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


def print_columns(rows: Sequence[tuple[str, ...]]) -> None:
    """Print rows of texts, all columns but the last as wide as needed."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    for row in rows:
        cells = [text.ljust(width) for text, width in zip(row, widths, strict=False)]
        print("  ".join([*cells, row[-1]]).rstrip())
