"""Results in the event files of TensorBoard."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib.image
from lightning.pytorch.loggers import TensorBoardLogger

from lgsid.artefacts.hashes import file_hash
from lgsid.logs.log_sink import LogSink, numbers_in, sink_of
from lgsid.report.report_table import ReportTable


class TensorBoardSink(LogSink):
    """Pictures as images, tables and values as Markdown, their numbers as scalars, a checkpoint as a text.

    Args:
        logger: The logger.
    """

    def __init__(self, logger: TensorBoardLogger) -> None:
        self.logger = logger

    def figure(self, name: str, path: Path, caption: str) -> None:
        """Add the picture, and its caption as a text of the same name."""
        pixels = matplotlib.image.imread(path)[..., :3]  # (H, W, 3), 0 to 1
        self.logger.experiment.add_image(name, pixels, dataformats="HWC")
        self.logger.experiment.add_text(name, caption)

    def table(self, name: str, table: ReportTable) -> None:
        """Add the table as Markdown."""
        self.logger.experiment.add_text(name, table.markdown())

    def values(self, name: str, values: Mapping[str, Any]) -> None:
        """Add the values as JSON, and each number among them as a scalar."""
        self.logger.experiment.add_text(name, f"```json\n{json.dumps(values, indent=2)}\n```")
        for key, value in numbers_in(values).items():
            self.logger.experiment.add_scalar(f"{name}/{key}", value)

    def checkpoint(self, name: str, path: Path, about: Mapping[str, Any]) -> None:
        """Add where the checkpoint lies and its hash; TensorBoard keeps no files."""
        found = {**about, "path": str(path), "sha256": file_hash(path)}
        self.logger.experiment.add_text(name, f"```json\n{json.dumps(found, indent=2)}\n```")

    def close(self) -> None:
        """Leave the event file to the logger, which has closed it."""


@sink_of.register
def _(logger: TensorBoardLogger) -> LogSink:
    return TensorBoardSink(logger)
