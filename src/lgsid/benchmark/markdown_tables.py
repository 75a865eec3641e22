"""The leaderboard as Markdown tables, between marks of a document or as a document of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lgsid.benchmark.suite import Suite
from lgsid.escaping import markdown as escaped
from lgsid.report.report_table import ReportTable

START, END = "<!-- leaderboard -->", "<!-- /leaderboard -->"
MARKED = re.compile(re.escape(START) + r"\n.*?" + re.escape(END), re.DOTALL)
SIGNIFICANT = 0.05
Values = Mapping[str, Any]


def with_tables(document: str, tables: str) -> str:
    """Return a document with the tables between its marks; without marks, a document of the tables alone."""
    body = f"{START}\n\n{tables}\n{END}"
    if MARKED.search(document):
        return MARKED.sub(lambda _: body, document, count=1)
    return f"# Leaderboard\n\n{body}\n"


def markdown(leaderboard: Values, suites: Mapping[str, Suite]) -> str:
    """Return all tables as Markdown."""
    parts = []
    for view in leaderboard["suites"]:
        suite = suites[view["name"]]
        parts += [
            f"### {escaped(view['title'])}",
            view["description"],
            f"`lgsid benchmark run {suite.name}`. {view['interval']}",
        ]
        for board in view["boards"]:
            facts = ", ".join(f"{value} {word}" for word, value in board["facts"] if word != "data hash")
            parts += [
                f"**{escaped(board['title'])}** ({escaped(facts)})",
                board_table(suite, board).markdown_rows(),
                board_note(suite, board),
            ]
    return "\n\n".join(part for part in parts if part) + "\n"


def board_note(suite: Suite, board: Values) -> str:
    """Say what the columns compare."""
    titles = {method["name"]: method["title"] for method in board["methods"]}
    metric, seeds = suite.task.title_of(suite.primary), ", ".join(str(seed) for seed in suite.seeds)
    baseline = escaped(titles[board["baseline"]])
    return (
        f"Difference: {metric} minus that of {baseline}, paired; \\* where p < {SIGNIFICANT} after"
        f" Holm's correction. Seeds: {seeds}."
    )


def board_table(suite: Suite, board: Values) -> ReportTable:
    """Compare the methods of a board, the best first; those without the primary metric last."""
    key, task = suite.primary, suite.task
    main = task.metric_column(key).metric
    sign = -1.0 if main.higher else 1.0
    ranked = sorted(
        board["methods"],
        key=lambda m: (key not in m["values"], sign * m["values"][key][0] if key in m["values"] else 0.0, m["name"]),
    )
    others = [other for other in task.table(key) if any(other.key in method["values"] for method in ranked)]
    header = ("method", "", task.title_of(key), "difference", *(other.title for other in others))
    rows = []
    for method in ranked:
        cells = [shown(method["values"].get(other.key), other.metric.digits) for other in others]
        value = with_interval(method["values"].get(key), main.digits)
        found = board["differences"].get(key, {}).get(board["baseline"], {}).get(method["name"])
        rows.append((method["title"], method["role"], value, difference(found, main.digits), *cells))
    return ReportTable("", header, tuple(rows), 2)


def shown(value: Any, digits: int) -> str:
    """Write the mean of a triple, a dash for nothing."""
    return "-" if value is None else f"{value[0]:.{digits}f}"


def with_interval(value: Any, digits: int) -> str:
    """Write a mean with its interval."""
    if value is None:
        return "-"
    mean, low, high = value
    return f"{mean:.{digits}f}" + ("" if low is None else f" ({low:.{digits}f} to {high:.{digits}f})")


def difference(found: Any, digits: int) -> str:
    """Write a paired difference with its interval, and a star if it is significant."""
    if found is None:
        return ""
    mean, low, high, _, p_holm = found
    interval = "" if low is None else f" ({low:+.{digits}f} to {high:+.{digits}f})"
    return f"{mean:+.{digits}f}{interval}" + ("*" if p_holm is not None and p_holm < SIGNIFICANT else "")
