"""What changed between two runs: settings, code, and metrics with paired intervals where every user was measured."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from lgsid.artefacts.files import is_finite_number, read_json
from lgsid.artefacts.names import CARD_FILE
from lgsid.benchmark.click_scores import ClickScores
from lgsid.benchmark.compared_run import ComparedRun
from lgsid.benchmark.comparison import SIGNIFICANT, Comparison, compare_users
from lgsid.benchmark.query_slices import QuerySlices
from lgsid.benchmark.ranking_scores import RankingScores
from lgsid.errors import LgsidError
from lgsid.functional.resampling import holm
from lgsid.metrics.card import flat_metrics
from lgsid.metrics.click_declarations import CLICK_METRICS
from lgsid.metrics.metric_spec import MetricColumn, MetricSpec, columns
from lgsid.metrics.ranking_declarations import ranking_metrics
from lgsid.metrics.slices import CLICK_SLICES, ranking_slices
from lgsid.report.report_table import NOTHING, ReportTable, number

A, B = "A", "B"
MOST = 20  # metrics of one stage without users, until all are asked for
NOT_SET = "(not set)"
NOTE = (
    "B minus A, paired by user, with the 95 % interval of a bootstrap over users; p after Holm's correction over all"
    " differences shown here, * below 0.05."
)
Row = tuple[float, float | None, float | None, float | None]


@dataclass(frozen=True)
class UserTable:
    """One model in both runs, measured on the same users.

    Args:
        title: Stage, and model where a stage measures several.
        shown: The columns of the tables that the model has.
        found: The comparison of `A` and `B`.
    """

    title: str
    shown: tuple[MetricColumn[MetricSpec], ...]
    found: Comparison

    def difference(self, key: str) -> tuple[float | None, ...]:
        """Return B minus A, the lower and the upper end, and p."""
        return self.found.differences.get(key, {}).get(A, {}).get(B, (None,) * 5)[:4]

    @property
    def is_equal(self) -> bool:
        """Whether no metric differs."""
        return all(self.difference(one.key)[0] in (None, 0.0) for one in self.shown)


@dataclass(frozen=True)
class RunComparison:
    """What changed from run A to run B.

    Args:
        a: The one.
        b: The other.
        every_metric: Show all metrics that have no result for each user, too.
    """

    a: ComparedRun
    b: ComparedRun
    every_metric: bool = False

    @classmethod
    def read(cls, a: str | Path, b: str | Path, every_metric: bool = False) -> RunComparison:
        """Read two folders of runs.

        Raises:
            LgsidError: if one is no run, or they are of different data.
        """
        found = cls(ComparedRun.read(a), ComparedRun.read(b), every_metric)
        one, other = found.a.datasets, found.b.datasets
        if one and other and not set(one) & set(other):
            data = [next(iter(names.values())) for names in (other, one)]
            raise LgsidError(
                f"{b}: is of another dataset or split ({data[0]}) than {a} ({data[1]}), so nothing can be compared;"
                " run both on the same data"
            )
        if not found.pairs:
            raise LgsidError(
                f"{b}: has no stage that {a} has, so that nothing can be compared; name runs of one pipeline"
            )
        return found

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The stages of A and B that belong together: those of one name, or the only ones."""
        if self.a.is_one_stage and self.b.is_one_stage:
            return [(self.a.folder.name, self.b.folder.name)]
        return [(name, name) for name in self.a.stages if name in self.b.stages]

    def changes(self, of_code: bool) -> dict[tuple[str, Any, Any], list[str]]:
        """Return what the stages were run with that differs: key, value in A and value in B -> names of the stages."""
        found: dict[tuple[str, Any, Any], list[str]] = {}
        for own, other in self.pairs:
            one = self.a.code(own) if of_code else self.a.settings(own)
            two = self.b.code(other) if of_code else self.b.settings(other)
            for key in dict.fromkeys((*one, *two)):
                values = str(one.get(key, NOT_SET)), str(two.get(key, NOT_SET))
                if values[0] != values[1]:
                    found.setdefault((key, *values), []).append(own)
        return found

    def users(self) -> Iterator[UserTable]:
        """Compare what both runs measured for each user.

        Raises:
            LgsidError: if they were asked other queries.
        """
        data = self.a.data_folder() or self.b.data_folder()
        slices = None if data is None else QuerySlices.of(data)
        for own, other in self.pairs:
            one, two = self.a.scores(own), self.b.scores(other)
            for (task, model), path in one.items():
                if (task, model) in two:
                    title = own if own == other else f"{own} (A), {other} (B)"
                    read, shown = (ranks, RANKING_COLUMNS) if task == "ranking" else (clicks, CLICK_COLUMNS)
                    scores = {A: [read(path, slices)], B: [read(two[task, model], slices)]}
                    found = compare_users(scores)
                    known = tuple(c for c in shown if all(c.key in found.values[name] for name in (A, B)))
                    yield UserTable(f"{title}: {model}" if model else title, known, found)

    def others(self) -> Iterator[tuple[str, dict[str, tuple[float, float]]]]:
        """Yield the stages without results for each user, and their metrics that differ: name -> A and B."""
        for own, other in self.pairs:
            if self.a.scores(own) and self.b.scores(other):
                continue
            one, two = flat(self.a, own), flat(self.b, other)
            differ = {key: (one[key], two[key]) for key in one if key in two and one[key] != two[key]}
            if differ:
                yield own if own == other else f"{own} (A), {other} (B)", differ

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield everything, in the width of the console."""
        yield Text(f"A  {self.a.folder}\nB  {self.b.folder}")
        yield from self.shown_changes("Settings that differ", self.changes(of_code=False))
        yield from self.shown_changes("Code and machine that differ", self.changes(of_code=True))
        for name, own, other in (("A", self.a, self.b), ("B", self.b, self.a)):
            alone = (
                [] if self.a.is_one_stage and self.b.is_one_stage else [s for s in own.stages if s not in other.stages]
            )
            if alone:
                yield Text(f"\nStages of {name} only: {', '.join(alone)}")
        yield from self.shown_users()
        for title, differ in self.others():
            kept = differ if self.every_metric else dict(list(differ.items())[:MOST])
            rows = tuple((key, digits(one), digits(two), digits(two - one)) for key, (one, two) in kept.items())
            yield Text("")
            yield ReportTable(title, ("metric", A, B, "difference"), rows)
            if len(differ) > len(kept):
                yield Text(f"and {len(differ) - len(kept)} more that differ; --all shows them", style="dim")

    def shown_changes(self, title: str, changes: Mapping[tuple[str, Any, Any], list[str]]) -> RenderResult:
        """Yield what differs, a setting with its two values below each other, so that none is cut."""
        yield Text(f"\n{title}" if changes else f"\n{title}: none", style="bold")
        for (key, one, two), stages in changes.items():
            yield Text(f"  {key}  ({', '.join(stages)})")
            yield Text(f"    A  {one}\n    B  {two}")

    def shown_users(self) -> RenderResult:
        """Yield the tables of models that differ; the others by name only."""
        tables = list(self.users())
        changed = [table for table in tables if not table.is_equal]
        p = [table.difference(one.key)[3] for table in changed for one in table.shown]
        corrected = iter(holm(np.array([math.nan if value is None else value for value in p], dtype=float)))
        if changed:
            yield Text(f"\n{NOTE}", style="dim")
        for table in changed:
            rows = tuple(row(table, one, float(next(corrected))) for one in table.shown)
            yield Text("")
            yield ReportTable(table.title, ("metric", A, B, "B-A", "from", "to", "p"), rows)
        same = [table.title for table in tables if table.is_equal]
        if same:
            yield Text(f"\nThe same for every user: {', '.join(same)}")


RANKING_COLUMNS = tuple(columns(tuple(m for m in ranking_metrics() if m.compared), ranking_slices(), "report"))
CLICK_COLUMNS: tuple[MetricColumn[MetricSpec], ...] = tuple(
    columns(tuple(m for m in CLICK_METRICS if m.compared), CLICK_SLICES, "report")
)


def row(table: UserTable, column: MetricColumn[MetricSpec], corrected: float) -> tuple[str, ...]:
    """Write one metric in both runs, and what the difference is worth."""
    decimals = column.metric.digits
    gap, low, high, _ = table.difference(column.key)
    star = "*" if corrected < SIGNIFICANT else ""
    means = (number(table.found.values[name][column.key][0], decimals) for name in (A, B))
    signed = (NOTHING if value is None else f"{value:+.{decimals}f}" for value in (gap, low, high))
    return (column.short_title, *means, *signed, f"{number(corrected)}{star}")


def ranks(path: Path, slices: QuerySlices | None) -> RankingScores:
    """Read the rank of every query."""
    return RankingScores.read(path, None if slices is None else slices.masks(path))


def clicks(path: Path, slices: QuerySlices | None) -> ClickScores:
    """Read the scores of every sample.

    Raises:
        LgsidError: if the dataset, which tells what was new to whom, is not beside them.
    """
    if slices is None:
        raise LgsidError(f"{path}: no prepared dataset is in the run or beside it, which tells what was new to whom")
    return ClickScores.read(path, slices.is_new(path))


def flat(run: ComparedRun, stage: str) -> dict[str, float]:
    """Return all numbers that a stage measured, those of its quality card included."""
    results = run.stages[stage]
    card = flat_metrics(read_json(results.folder / CARD_FILE)) if results.has(CARD_FILE) else {}
    return {**results.metrics, **{f"card/{key}": float(v) for key, v in card.items() if is_finite_number(v)}}


def digits(value: float) -> str:
    """Write a number of any size."""
    return f"{value:.4g}"
