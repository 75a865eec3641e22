"""Where results go that are more than a number: one sink for each class of logger."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import singledispatch
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import Logger

from lgsid.report.report_table import ReportTable


class LogSink(ABC):
    """Give figures, tables, values and checkpoints to a logger, under names such as `figures/map`.

    For a logger of another library register a function with `sink_of` that returns the sink.
    """

    @abstractmethod
    def figure(self, name: str, path: Path, caption: str) -> None:
        """Log a picture.

        Args:
            name: Its name.
            path: The PNG file, which may be gone afterwards.
            caption: What it shows.
        """

    @abstractmethod
    def table(self, name: str, table: ReportTable) -> None:
        """Log a table."""

    @abstractmethod
    def values(self, name: str, values: Mapping[str, Any]) -> None:
        """Log nested plain values, such as a quality card, as a whole and its numbers one by one."""

    @abstractmethod
    def checkpoint(self, name: str, path: Path, about: Mapping[str, Any]) -> None:
        """Log a checkpoint as an artifact, or say where it is if the logger keeps none.

        Args:
            name: Its name.
            path: The file.
            about: Plain values: class, metrics, data, version.
        """

    @abstractmethod
    def close(self) -> None:
        """Write what is not yet written; the logger takes nothing more."""


class NoSink(LogSink):
    """For loggers of which nothing is known: their metrics are all they get."""

    def figure(self, name: str, path: Path, caption: str) -> None:
        """Log nothing."""

    def table(self, name: str, table: ReportTable) -> None:
        """Log nothing."""

    def values(self, name: str, values: Mapping[str, Any]) -> None:
        """Log nothing."""

    def checkpoint(self, name: str, path: Path, about: Mapping[str, Any]) -> None:
        """Log nothing."""

    def close(self) -> None:
        """Leave it to the logger."""


@singledispatch
def sink_of(logger: Logger) -> LogSink:
    """Return the sink of a logger, by its class."""
    return NoSink()


def numbers_in(values: Any, above: str = "") -> dict[str, float]:
    """Return the numbers among nested values, under their dotted names; positions in lists count from 1."""
    if isinstance(values, bool) or values is None or isinstance(values, str):
        return {}
    if isinstance(values, (int, float)):
        return {above: float(values)}
    pairs = values.items() if isinstance(values, Mapping) else enumerate(values, start=1)
    found: dict[str, float] = {}
    for key, value in pairs:
        found |= numbers_in(value, f"{above}.{key}" if above else str(key))
    return found
