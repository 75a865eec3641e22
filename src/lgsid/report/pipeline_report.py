"""The report of a pipeline: figures, report.md, report.json, and the same tables on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from lgsid.artefacts.files import write_json, write_text
from lgsid.artefacts.interactions import SPLITS
from lgsid.artefacts.names import REPORT_JSON_FILE, REPORT_MARKDOWN_FILE
from lgsid.errors import LgsidError
from lgsid.escaping import markdown
from lgsid.plots import terminal_map
from lgsid.report.cost_table import stage_table
from lgsid.report.place_examples import chosen_tokenizer
from lgsid.report.report_figures import dataset_name, write_figures
from lgsid.report.report_table import ReportTable
from lgsid.report.result_tables import result_tables
from lgsid.report.stage_results import FILES_OF_STAGES, PipelineResults

ON_TERMINAL = ("rewards", "reads", "alignment", "card", "examples", "click", "new_places", "leaderboard", "stages")


@dataclass(frozen=True)
class Report:
    """The results of a pipeline as tables and figures.

    Args:
        folder: Where the files are.
        title: Name of the data.
        summary: One line on the data.
        tables: Key -> table, in the order of the report.
        figures: File name -> caption.
        data: The numbers, as in `report.json`.
        map: The map for the terminal, if there are semantic IDs.
    """

    folder: Path
    title: str
    summary: str
    tables: Mapping[str, ReportTable]
    figures: Mapping[str, str]
    data: Mapping[str, Any]
    map: Text | None = None

    def __rich__(self) -> RenderableType:
        """Return the report for a terminal of 80 columns: map and tables, and where the pictures are."""
        parts: list[RenderableType] = [Text(f"\n{self.title}", style="bold"), Text(self.summary + "\n", style="dim")]
        if self.map is not None:
            parts += [
                self.map,
                Text("Each cell has the color of the first code that most of its places have.\n", style="dim"),
            ]
        parts += [self.tables[key] for key in ON_TERMINAL if key in self.tables]
        parts.append(
            Text(f"{self.folder / REPORT_MARKDOWN_FILE}: all tables, with {len(self.figures)} pictures beside it")
        )
        return Group(*parts)

    def markdown(self) -> str:
        """Return the report as Markdown, with links to the pictures beside it."""
        pictures = "".join(f"![{caption}]({name})\n\n" for name, caption in self.figures.items())
        tables = "\n".join(table.markdown() for table in self.tables.values())
        return f"# {markdown(self.title)}\n\n{markdown(self.summary)}\n\n{pictures}{tables}"


def write_report(stages: Mapping[str, Path], folder: Path) -> Report:
    """Write figures, `report.md` and `report.json` from the files of a pipeline's stages.

    The kind of a stage follows from its files: a dataset, an alignment, semantic IDs, a recommender, baselines. Any of
    them may be absent. The same stages give the same files, byte for byte, apart from seconds and memory.

    Args:
        stages: Name -> run folder, in the order of the pipeline.
        folder: Where the report goes; made if it does not exist.

    Returns:
        The report, which rich can print.

    Raises:
        LgsidError: if there is no stage, or a file of a stage is broken.
    """
    folder = Path(folder)
    results = PipelineResults.read({name: Path(path) for name, path in stages.items() if Path(path) != folder})
    if not results.stages:
        raise LgsidError(f"{folder}: nothing to report: none of the stages {', '.join(stages)} has a run folder")
    tables, costs = result_tables(results), stage_table(results)
    if costs is not None:
        tables["stages"] = costs
    if not any((stage.folder / name).is_file() for stage in results.stages for name in FILES_OF_STAGES):
        raise LgsidError(f"{folder}: nothing to report: {', '.join(stages)} hold no results of a stage")
    chosen = chosen_tokenizer(results)
    report = Report(
        folder=folder,
        title=dataset_name(results) or "Pipeline report",
        summary=data_summary(results),
        tables=tables,
        figures=write_figures(results, folder),
        data=report_data(results),
        map=terminal_map(results.items, chosen.sids) if chosen is not None and results.items is not None else None,
    )
    write_text(folder / REPORT_MARKDOWN_FILE, report.markdown())
    write_json(folder / REPORT_JSON_FILE, {**report.data, "figures": dict(report.figures)})
    return report


def data_summary(results: PipelineResults) -> str:
    """Say in a line how much data there is; in brackets the splits: train, validation, test."""
    if results.dataset is None:
        return f"{len(results.stages)} stages"
    dataset = results.dataset
    counts = dataset.interactions.frame["split"].value_counts()
    splits = " / ".join(f"{int(counts.get(split, 0)):,}" for split in SPLITS)
    check_ins = f"{len(dataset.interactions):,} check-ins ({splits})"
    return f"{len(dataset.items):,} places, {len(dataset.user_ids):,} users, {check_ins}"


def report_data(results: PipelineResults) -> dict[str, Any]:
    """Return all numbers of a report as plain values. Of users it holds their number only."""
    dataset = results.dataset
    return {
        "dataset": None
        if dataset is None
        else {
            "name": str(dataset.report.get("name", "")),
            "data_hash": dataset.data_hash,
            "places": len(dataset.items),
            "users": len(dataset.user_ids),
            "check_ins": len(dataset.interactions),
        },
        "leaderboard": [asdict(model) for model in results.recommenders],
        "click_through": [asdict(model) for model in results.click_models],
        "semantic_ids": {
            result.stage: {"tokenizer": result.tokenizer, "is_control": result.is_control, "card": dict(result.card)}
            for result in results.tokenizers
        },
        "alignment": None if results.alignment is None else dict(results.alignment.metrics),
        "rewards": {stage.name: dict(stage.metrics) for stage in results.rewards},
        "stages": [
            {"stage": stage.name, "seconds": stage.seconds, "peak_memory_mb": stage.peak_memory_mb}
            for stage in results.stages
        ],
    }
