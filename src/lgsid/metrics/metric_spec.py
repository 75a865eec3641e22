"""What a metric and a slice are: name, title, explanation, direction, digits, and where tables show it.

Every metric is declared once, in a `*_declarations.py` of this package. The torchmetrics classes, the bootstrap over
users, the report of a pipeline, the leaderboard's page and the tables of the documents all read that declaration.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

Place = Literal["report", "details", "suite", "documents", "figure", "cards"]
ALL = ("",)
"""The slice of everything."""


@dataclass(frozen=True)
class Shown:
    """The slices in which a metric is a column of a table, by table; none where it is no column.

    Args:
        report: Main table of a pipeline's report, on the terminal too.
        details: Second table of a report.
        suite: Table of a suite of the benchmark in `benchmarks/README.md`.
        documents: Tables that `benchmarks/readme_numbers.py` writes.
        figure: Panels of the figure in a report.
        cards: Table of `lgsid card --compare`.
    """

    report: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    suite: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    figure: tuple[str, ...] = ()
    cards: tuple[str, ...] = ()


@dataclass(frozen=True)
class MetricSpec:
    """One metric.

    Args:
        key: Name in result files, inside a slice.
        title: Heading of its column.
        help: What it is, in one sentence.
        higher: Whether more is better; `None` if neither is.
        digits: Decimals to show.
        shown: Tables that have it.
        compared: Whether it is a column of the leaderboard's page, with intervals and differences.
        explain: Whether a note under a table repeats `help`: for names that are not standard.
    """

    key: str
    title: str
    help: str
    higher: bool | None = True
    digits: int = 3
    shown: Shown = field(default=Shown(), kw_only=True)
    compared: bool = field(default=True, kw_only=True)
    explain: bool = field(default=False, kw_only=True)

    def to_dict(self) -> dict[str, Any]:
        """Return what the leaderboard's page needs, as plain values."""
        return {name: getattr(self, name) for name in ("key", "title", "help", "higher", "digits")}


@dataclass(frozen=True)
class SliceSpec:
    """One part of the queries, samples or items.

    Args:
        key: What stands before a metric's key, such as `new/`; empty for all.
        title: Heading.
        help: What it is, in one sentence.
    """

    key: str
    title: str
    help: str

    def to_dict(self) -> dict[str, Any]:
        """Return what the leaderboard's page needs, as plain values."""
        return {"key": self.key, "title": self.title, "help": self.help}


AnyMetric = TypeVar("AnyMetric", bound=MetricSpec)


@dataclass(frozen=True)
class MetricColumn(Generic[AnyMetric]):
    """A metric in a slice: one column of a table.

    Args:
        metric: The metric.
        part: The slice.
    """

    metric: AnyMetric
    part: SliceSpec

    @property
    def key(self) -> str:
        """Name in result files: `new/mrr@10`."""
        return self.part.key + self.metric.key

    @property
    def title(self) -> str:
        """Heading in documents: `MRR@10, new places`."""
        return f"{self.metric.title}, {self.part.title}" if self.part.key else self.metric.title

    @property
    def short_title(self) -> str:
        """Heading where there is little room: `new MRR@10`."""
        return f"{self.part.key.rstrip('/_')} {self.metric.title}".strip()


def columns(
    metrics: Iterable[AnyMetric], slices: Iterable[SliceSpec], place: Place, first: str = ""
) -> list[MetricColumn[AnyMetric]]:
    """Return the columns of a table, slice by slice.

    Args:
        metrics: Metrics in the order of their declaration.
        slices: Slices in the order of their declaration.
        place: Which table.
        first: Key of the metric that comes first in each slice; the others keep their order.
    """
    ordered = sorted(metrics, key=lambda metric: metric.key != first)
    return [
        MetricColumn(metric, part) for part in slices for metric in ordered if part.key in getattr(metric.shown, place)
    ]


def legend(shown: Sequence[MetricColumn[Any]]) -> str:
    """Explain the slices and those metrics of a table whose names are not standard, each once."""
    parts = {column.part.key.rstrip("/_"): column.part.help for column in shown if column.part.key}
    metrics = {column.metric.title: column.metric.help for column in shown if column.metric.explain}
    return " ".join(f"{name}: {uncapitalized(text)}" for name, text in {**metrics, **parts}.items())


def uncapitalized(sentence: str) -> str:
    """Return a sentence without its capital, unless it starts with an abbreviation."""
    return sentence if sentence[1:2].isupper() else sentence[:1].lower() + sentence[1:]
