"""Show the main metrics of a training or a test: a short table, or one line."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from lgsid.errors import LgsidError
from lgsid.metrics.click_declarations import CLICK_METRICS
from lgsid.metrics.metric_spec import MetricColumn, Place, columns
from lgsid.metrics.ranking_declarations import ranking_metrics
from lgsid.metrics.slices import CLICK_SLICES, ranking_slices

MOST = 12
PLACES: tuple[Place, ...] = ("report", "details")
Values = Mapping[str, float | None]
AnyColumn = MetricColumn[Any]


def metric_table(metrics: Values, where: str) -> Group:
    """Return a table of the main metrics, at most twelve rows.

    Args:
        metrics: Metrics by their names in result files, such as `test/mrr@10`.
        where: File that holds all of them.
    """
    shown = main_metrics(metrics)
    left = len(metrics) - len(shown)
    note = f"{left} more metrics in {where}" if left else f"also in {where}"
    table = Table(box=None, pad_edge=False)
    table.add_column("metric")
    table.add_column("value", justify="right")
    for title, value in shown:
        table.add_row(title, value)
    return Group(table, Text(note))


def metric_line(metrics: Values, monitored: str | None = None, most: int = 3) -> str:
    """Return the monitored metric, else the main ones, as one line: `val/mrr@10 0.287`.

    Args:
        metrics: Metrics by name.
        monitored: Name of the metric that chose the checkpoint.
        most: How many metrics to show where none is monitored.
    """
    if monitored in metrics:
        return f"{monitored} {number(metrics[str(monitored)], 4)}"
    judged = {name: value for name, value in metrics.items() if not name.startswith("train/")} or metrics
    names = [f"{prefix}{column.key}" for prefix, column in declared(judged)] or list(judged)
    return ", ".join(f"{name} {number(judged[name], 4)}" for name in names[:most])


def main_metrics(metrics: Values) -> list[tuple[str, str]]:
    """Return headings and values: those that reports show if there are any, else the first ones."""
    several = len({name.partition("/")[0] for name in metrics}) > 1
    found = [
        (prefix * several + column.title, number(metrics[prefix + column.key], column.metric.digits))
        for prefix, column in declared(metrics)
    ]
    return (found or [(name, number(value, 4)) for name, value in metrics.items()])[:MOST]


def declared(metrics: Values) -> list[tuple[str, AnyColumn]]:
    """Return the split (`test/`) and the column of every metric that reports show, the most important first."""
    known: list[AnyColumn] = []
    for place in PLACES:
        known += columns(ranking_metrics(), ranking_slices(), place)
        known += columns(CLICK_METRICS, CLICK_SLICES, place)
    prefixes = dict.fromkeys(name.partition("/")[0] + "/" for name in metrics if "/" in name)
    found = [(prefix, column) for prefix in prefixes for column in known if prefix + column.key in metrics]
    return list({prefix + column.key: (prefix, column) for prefix, column in found}.values())


def number(value: float | None, digits: int) -> str:
    """Return a number with few decimals, more for small ones, and a dash for a missing one."""
    if value is None:
        return "-"
    if value == int(value) and abs(value) >= 10:
        return f"{int(value):,}"
    return f"{value:.{digits}f}" if abs(value) >= 10**-digits or value == 0 else f"{value:.1e}"


def plain_metrics(metrics: Mapping[str, Any]) -> dict[str, float | None]:
    """Return logged metrics as JSON numbers, `None` where a metric is not finite, such as one over no queries.

    Raises:
        LgsidError: if a loss is not finite.
    """
    values = {str(key): float(value) for key, value in metrics.items()}
    for key, value in values.items():
        if not math.isfinite(value) and "loss" in re.split("[/_]", key):
            raise LgsidError(f"{key} is {value}: the model diverged or its input is damaged; nothing more was written")
    return {key: value if math.isfinite(value) else None for key, value in values.items()}
