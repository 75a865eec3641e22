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
from lgsid.report.embedding_tables import alignment_table, reads_table, reward_table
from lgsid.report.place_examples import branch_examples, prefix_examples
from lgsid.report.recommender_tables import click_table, details_table, leaderboard_table, new_places_table
from lgsid.report.report_figures import write_figures
from lgsid.report.report_table import ReportTable
from lgsid.report.sid_tables import card_table
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
            tables_of(results), figures, cards_of(results), checkpoint_of(results.stages[-1], with_checkpoint)
        ).log(loggers)


def tables_of(results: PipelineResults) -> dict[str, ReportTable]:
    """Return the tables of a report for which there are results."""
    made = {
        "new_places": new_places_table(results.recommenders),
        "leaderboard": leaderboard_table(results.recommenders),
        "beyond": details_table(results.recommenders),
        "click": click_table(results.click_models),
        "card": card_table(results),
        "examples": prefix_examples(results),
        "branches": branch_examples(results),
        "alignment": alignment_table(results),
        "rewards": reward_table(results),
        "reads": reads_table(results),
    }
    return {key: table for key, table in made.items() if table is not None}


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
