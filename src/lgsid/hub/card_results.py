"""What the result files of a run say, for a model card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lgsid.artefacts.files import is_finite_number, read_json
from lgsid.artefacts.names import CARD_FILE
from lgsid.benchmark.compared_run import ComparedRun
from lgsid.benchmark.comparison import Comparison, compare_users
from lgsid.benchmark.embedding_files import COMPARISON_FILE
from lgsid.benchmark.query_slices import QuerySlices
from lgsid.benchmark.run_comparison import CLICK_COLUMNS, RANKING_COLUMNS, clicks, ranks
from lgsid.errors import LgsidError
from lgsid.metrics.card import flat_metrics
from lgsid.metrics.card_view import card_rows
from lgsid.metrics.metric_spec import MetricColumn, MetricSpec
from lgsid.metrics.next_place_declarations import HIT, NEXT_PLACE_SLICES, RANKINGS
from lgsid.report.embedding_tables import alignment_table
from lgsid.report.report_table import NOTHING, ReportTable, number
from lgsid.report.stage_results import PipelineResults, StageResults

INTERVALS = "95 % intervals: bootstrap over the users of the test split."
AFTER = "after/"
OF_CARD = ("distinct_share", "collision_rate", "joint_entropy_bits")  # for the index of models


@dataclass(frozen=True)
class Measured:
    """One metric.

    Args:
        key: Name in result files.
        title: Name for people.
        value: Its value.
        low: Lower end of its 95 % interval, if there is one.
        high: Upper end.
        digits: Decimals to show.
    """

    key: str
    title: str
    value: float
    low: float | None = None
    high: float | None = None
    digits: int = 3

    def cells(self) -> tuple[str, ...]:
        """Return title, value and interval as texts."""
        known = self.low is not None and self.high is not None
        ends = " to ".join(number(end, self.digits) for end in (self.low, self.high)) if known else NOTHING
        return self.title, number(self.value, self.digits), ends


@dataclass(frozen=True)
class CardResults:
    """The results of one part, as tables and as single metrics.

    Args:
        tables: For people.
        measured: For the index of models.
        provenance: Seconds, memory, commit, seed, as far as recorded.
        settings: Dotted key -> what the training was run with.
    """

    tables: tuple[ReportTable, ...] = ()
    measured: tuple[Measured, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, run: Path, data: QuerySlices | None = None) -> CardResults:
        """Read the folder of a training, of a stage of a pipeline, or one that `lgsid evaluate` wrote.

        Args:
            run: The folder; its results for each user give the intervals.
            data: The log and its slices, without which a click model has none; looked for beside the folder if `None`.

        Raises:
            LgsidError: if it is no folder, or a file in it is damaged.
        """
        if not run.is_dir():
            raise LgsidError(f"{run}: no such folder of a run; the model card reads its result files")
        stage = StageResults.read(run.name, run)
        measured, tables = [*by_user(run, stage, data), *judged_vectors(run)], []
        if measured:
            tables.append(ReportTable("Results", ("metric", "value", "95 % interval"), rows(measured), 1, INTERVALS))
        if stage.has(CARD_FILE):
            card = read_json(run / CARD_FILE)
            cells = tuple(card_rows(card))
            tables.append(ReportTable("Quality of the semantic IDs", ("", "value", "beside"), cells, 1))
            flat = flat_metrics(card)
            measured += [Measured(key, key.replace("_", " "), float(flat[key])) for key in OF_CARD if known(flat, key)]
        alignment = alignment_table(PipelineResults((stage,)))
        if alignment is not None:
            tables.append(alignment)
            found = {key: value for key, value in stage.metrics.items() if key.startswith(AFTER) and "@5" in key}
            measured += [Measured(key, key.removeprefix(AFTER), value) for key, value in sorted(found.items())]
        return cls(tuple(tables), tuple(measured), stage.provenance, settings_of(run, stage))


def known(values: Mapping[str, Any], key: str) -> bool:
    """Tell whether a mapping has a number."""
    return is_finite_number(values.get(key))


def rows(measured: Sequence[Measured]) -> tuple[tuple[str, ...], ...]:
    """Return the rows of a table."""
    return tuple(one.cells() for one in measured)


def by_user(run: Path, stage: StageResults, data: QuerySlices | None) -> list[Measured]:
    """Return the metrics of the results for each user that a test left, with intervals."""
    compared = ComparedRun(run, {run.name: stage})
    found: list[Measured] = []
    for (task, _), path in compared.scores(run.name).items():
        slices = data or slices_beside(compared)
        if task == "clicks" and slices is None:
            continue
        read, shown = (ranks, RANKING_COLUMNS) if task == "ranking" else (clicks, CLICK_COLUMNS)
        found += with_intervals(compare_users({run.name: [read(path, slices)]}).values[run.name], shown)
    return found


def slices_beside(compared: ComparedRun) -> QuerySlices | None:
    """Return the slices of the dataset beside a stage, if there is one."""
    folder = compared.data_folder()
    return None if folder is None else QuerySlices.of(folder)


def with_intervals(
    values: Mapping[str, tuple[float, float | None, float | None]], shown: Sequence[MetricColumn[MetricSpec]]
) -> list[Measured]:
    """Return the shown columns among values with intervals."""
    return [Measured(c.key, c.title, *values[c.key], digits=c.metric.digits) for c in shown if c.key in values]


def judged_vectors(run: Path) -> list[Measured]:
    """Return what `lgsid evaluate` measured of vectors, each ranking and slice with its interval."""
    path = run / COMPARISON_FILE
    if not path.is_file():
        return []
    values = Comparison.from_dict(read_json(path)).values
    found = []
    for ranking in RANKINGS:
        own = values.get(f"{AFTER}{ranking.key}", {})
        for part in NEXT_PLACE_SLICES:
            inside = [key for key in own if key.startswith(f"{part.key}{HIT.name}@")]
            for key in inside:
                title = f"next place by {ranking.title}, {key.removeprefix(part.key)}{part.title and f', {part.title}'}"
                found.append(Measured(f"{ranking.key}/{key}", title, *own[key]))
    return found


def settings_of(run: Path, stage: StageResults) -> dict[str, Any]:
    """Return dotted key -> value of the model's and the data's arguments, paths by their last part."""
    if not stage.provenance:
        return {}
    found = ComparedRun(run, {run.name: stage}).settings(run.name)
    kept = {key: value for key, value in found.items() if key.partition(".")[0] in ("model", "data", "seed_everything")}
    return {key: Path(v).name if isinstance(v, str) and "/" in v else v for key, v in kept.items() if v is not None}
