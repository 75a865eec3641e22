"""The tables that compare recommenders, made from the declarations of the metrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lgsid.metrics import click_declarations, ranking_declarations
from lgsid.metrics.metric_spec import MetricColumn, MetricSpec, columns, legend
from lgsid.metrics.slices import CLICK_SLICES, EXPLORE, ranking_slices
from lgsid.plots import ModelScores
from lgsid.report.report_table import NOTHING, ReportTable, number

Columns = Sequence[MetricColumn[Any]]
Words = tuple[str, Callable[[ModelScores], str]]

MODEL: Words = ("model", lambda model: model.name)
CLASS: Words = ("class", lambda model: model.model or NOTHING)
SIDS: Words = ("SIDs", lambda model: model.sids or NOTHING)


def leaderboard_table(models: Sequence[ModelScores]) -> ReportTable | None:
    """Compare recommenders, also those that lose, over all queries and by slice."""
    found = [column for column in reported_columns() if column.part.key != EXPLORE.key]
    return models_table("Leaderboard", "Item-level, all places ranked, test split.", models, found, MODEL)


def new_places_table(models: Sequence[ModelScores]) -> ReportTable | None:
    """Compare recommenders on places new to the user, ranked among those, the best first."""
    found = [column for column in reported_columns() if column.part.key == EXPLORE.key]
    key = f"test/{EXPLORE.key}{ranking_declarations.PRIMARY}"
    measured = sorted((m for m in models if key in m.metrics), key=lambda m: (-m.metrics[key], m.name))
    return models_table("Places new to the user", "Item-level, test split.", measured, found, MODEL)


def reported_columns() -> list[MetricColumn[MetricSpec]]:
    """Return the columns of rankings that a report shows."""
    return columns(ranking_declarations.ranking_metrics(), ranking_slices(), "report")


def details_table(models: Sequence[ModelScores]) -> ReportTable | None:
    """Say what models are made of, and what they show beyond hits."""
    found = columns(ranking_declarations.ranking_metrics(), ranking_slices(), "details")
    return models_table("Beyond accuracy", "", models, found, MODEL, CLASS, SIDS)


def click_table(models: Sequence[ModelScores]) -> ReportTable | None:
    """Compare models of the click-through task."""
    metrics: Sequence[MetricSpec] = click_declarations.CLICK_METRICS
    found = columns(metrics, CLICK_SLICES, "report")
    return models_table("Click-through", "One positive, four negatives.", models, found, MODEL, SIDS)


def models_table(
    title: str, note: str, models: Sequence[ModelScores], declared: Columns, *words: Words
) -> ReportTable | None:
    """Compare models by their test metrics; columns that no model has are left out.

    Args:
        title: Title of the table.
        note: What stands before the explanations of the columns.
        models: One per row; none, no table.
        declared: The columns.
        words: Heading and text of the columns before them.
    """
    if not models:
        return None
    shown = [column for column in declared if any(f"test/{column.key}" in model.metrics for model in models)]
    rows = tuple(
        (
            *(text(model) for _, text in words),
            *(number(model.metrics.get(f"test/{column.key}"), column.metric.digits) for column in shown),
        )
        for model in models
    )
    header = (*(heading for heading, _ in words), *(column.short_title for column in shown))
    return ReportTable(title, header, rows, len(words), f"{note} {legend(shown)}".strip())
