"""Results in a run of Weights & Biases."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import WandbLogger

from lgsid.logs.log_sink import LogSink, numbers_in, sink_of
from lgsid.report.report_table import ReportTable


class WandbSink(LogSink):
    """Pictures as images, tables as tables, numbers of values in the summary, checkpoints as artifacts.

    A checkpoint is logged if the logger's `log_model` is on: it is uploaded, and may be large.

    Args:
        logger: The logger.
    """

    def __init__(self, logger: WandbLogger) -> None:
        self.logger = logger

    def figure(self, name: str, path: Path, caption: str) -> None:
        """Log the picture with its caption."""
        import wandb

        self.logger.experiment.log({name: wandb.Image(str(path), caption=caption)})

    def table(self, name: str, table: ReportTable) -> None:
        """Log the table."""
        import wandb

        self.logger.experiment.log({name: wandb.Table(columns=list(table.header), data=[list(r) for r in table.rows])})

    def values(self, name: str, values: Mapping[str, Any]) -> None:
        """Put each number into the summary of the run, under `name/key`."""
        self.logger.experiment.summary.update({f"{name}/{key}": value for key, value in numbers_in(values).items()})

    def checkpoint(self, name: str, path: Path, about: Mapping[str, Any]) -> None:
        """Log the checkpoint as an artifact of type `model`, if `log_model` is on."""
        import wandb

        if self.logger._log_model:
            run = self.logger.experiment
            artifact = wandb.Artifact(f"{name.rpartition('/')[2]}-{run.id}", type="model", metadata=dict(about))
            artifact.add_file(str(path), name=path.name)
            run.log_artifact(artifact, aliases=["latest"])

    def close(self) -> None:
        """End the run: the next training in this process is a run of its own."""
        self.logger.experiment.finish()


@sink_of.register
def _(logger: WandbLogger) -> LogSink:
    return WandbSink(logger)
