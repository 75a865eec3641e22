"""Progress of a long encoding."""

from __future__ import annotations

import logging
import sys
import time

from rich.progress import Progress
from typing_extensions import Self

from lgsid.console import DataConsole

logger = logging.getLogger(__name__)
SECONDS_BETWEEN_LOG_LINES = 30.0


class EncodingReport:
    """Progress of a long encoding: a bar on a terminal, lines in a log, nothing if it is short."""

    def __init__(self, total: int, wanted: bool) -> None:
        self.total, self.done, self.wanted = total, 0, wanted
        self.start = self.last = time.monotonic()
        on_terminal = wanted and sys.stderr.isatty()
        self.bar = Progress(console=DataConsole(stderr=True), transient=True) if on_terminal else None

    def __enter__(self) -> Self:
        if self.bar is not None:
            self.bar.start()
            self.task = self.bar.add_task("Encoding texts", total=self.total)
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.stop()
        seconds = time.monotonic() - self.start
        logger.debug("encoded %d texts in %.1f s", self.done, seconds)

    def advance(self, count: int) -> None:
        """Count texts that are done."""
        self.done += count
        now = time.monotonic()
        if self.bar is not None:
            self.bar.advance(self.task, count)
        elif self.wanted and now - self.last > SECONDS_BETWEEN_LOG_LINES:
            self.last = now
            logger.info("encoded %d of %d texts, %.0f a second", self.done, self.total, self.done / (now - self.start))
