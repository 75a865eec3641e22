"""Results beside the metrics of the CSV logger."""

from __future__ import annotations

import csv
import io
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import CSVLogger

from lgsid.artefacts.files import atomic_path, write_json, write_text
from lgsid.artefacts.hashes import file_hash
from lgsid.logs.log_sink import LogSink, sink_of
from lgsid.report.report_table import ReportTable


class CSVSink(LogSink):
    """Files beside `metrics.csv`: pictures, tables as CSV, values as JSON, and where a checkpoint lies.

    Args:
        logger: The logger.
    """

    def __init__(self, logger: CSVLogger) -> None:
        self.logger = logger
        self.folder = Path(logger.log_dir)

    def figure(self, name: str, path: Path, caption: str) -> None:
        """Copy the picture, its caption beside it."""
        with atomic_path(self.folder / f"{name}.png") as partial:
            shutil.copyfile(path, partial)
        write_text(self.folder / f"{name}.txt", caption + "\n")

    def table(self, name: str, table: ReportTable) -> None:
        """Write the table as CSV."""
        content = io.StringIO()
        csv.writer(content, lineterminator="\n").writerows([table.header, *table.rows])
        write_text(self.folder / f"{name}.csv", content.getvalue())

    def values(self, name: str, values: Mapping[str, Any]) -> None:
        """Write the values as JSON."""
        write_json(self.folder / f"{name}.json", dict(values))

    def checkpoint(self, name: str, path: Path, about: Mapping[str, Any]) -> None:
        """Write where the checkpoint lies and its hash; it is not copied."""
        where = Path(os.path.relpath(path, self.folder)).as_posix()
        write_json(self.folder / f"{name}.json", {**about, "path": where, "sha256": file_hash(path)})

    def close(self) -> None:
        """Do nothing: each file is whole once it is written."""


@sink_of.register
def _(logger: CSVLogger) -> LogSink:
    return CSVSink(logger)
