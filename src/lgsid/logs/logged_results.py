"""What a run has to show, for any logger."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import Logger

from lgsid import __version__
from lgsid.artefacts.names import CHECKPOINT_FILE, DATASET_FILE
from lgsid.logs.log_sink import sink_of
from lgsid.report.report_figures import write_figures
from lgsid.report.report_table import ReportTable
from lgsid.report.result_tables import result_tables
from lgsid.report.stage_results import PipelineResults, StageResults

DATA = "data"  # name of the stage of the dataset


@dataclass(frozen=True)
class LoggedResults:
    """Tables, figures and values, each under its name.

    Args:
        tables: Name -> table.
        figures: Name -> PNG file and caption.
        values: Name -> nested plain values, such as a quality card.
        checkpoints: Name -> file and what is to be known of it.
    """

    tables: Mapping[str, ReportTable] = field(default_factory=dict)
    figures: Mapping[str, tuple[Path, str]] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    checkpoints: Mapping[str, tuple[Path, Mapping[str, Any]]] = field(default_factory=dict)

    def log(self, loggers: Iterable[Logger]) -> None:
        """Give everything to each logger, by the sink of its class, and leave the loggers open."""
        for sink in map(sink_of, loggers):
            for name, table in self.tables.items():
                sink.table(f"tables/{name}", table)
            for name, (path, caption) in self.figures.items():
                sink.figure(f"figures/{name}", path, caption)
            for name, values in self.values.items():
                sink.values(f"cards/{name}", values)
            for name, (path, about) in self.checkpoints.items():
                sink.checkpoint(f"checkpoints/{name}", path, about)


def log_training(loggers: Iterable[Logger], folder: Path, dataset: str | Path | None, with_checkpoint: bool) -> None:
    """Log what a training or a test has left in its run folder: tables, figures, cards, the checkpoint.

    Args:
        loggers: The loggers.
        folder: The run folder, with its files.
        dataset: Folder of the prepared dataset; without it there are no maps.
        with_checkpoint: Whether the checkpoint is of this run.
    """
    name = folder.name.removesuffix(".partial")
    folders = {name: folder}
    if dataset is not None and (Path(dataset) / DATASET_FILE).is_file():
        folders = {DATA: Path(dataset), name: folder}
    results = PipelineResults.read(folders)
    with tempfile.TemporaryDirectory(prefix="lgsid-") as pictures:
        captions = write_figures(results, Path(pictures))
        figures = {Path(file).stem: (Path(pictures) / file, caption) for file, caption in captions.items()}
        LoggedResults(
            result_tables(results), figures, cards_of(results), checkpoint_of(results.stages[-1], with_checkpoint)
        ).log(loggers)


def cards_of(results: PipelineResults) -> dict[str, Mapping[str, Any]]:
    """Return the quality card of each set of semantic IDs."""
    return {result.stage: result.card for result in results.tokenizers if result.card}


def checkpoint_of(stage: StageResults, wanted: bool) -> dict[str, tuple[Path, Mapping[str, Any]]]:
    """Return the checkpoint of a stage, and what is to be known of it."""
    path = stage.folder / CHECKPOINT_FILE
    if not wanted or not path.is_file():
        return {}
    about = {"model": stage.model_class, "lgsid": __version__, "metrics": dict(stage.metrics)}
    about |= {"seed": stage.setting("seed_everything"), "data": stage.setting("data", "class_path")}
    return {stage.name: (path, about)}
