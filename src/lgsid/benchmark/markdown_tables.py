"""The leaderboard as Markdown tables, between marks of a document or as a document of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from lgsid.benchmark.suite import Suite
from lgsid.escaping import markdown as escaped
from lgsid.functional.resampling import holm
from lgsid.metrics.metric_spec import uncapitalized
from lgsid.report.report_table import ReportTable

START, END = "<!-- leaderboard -->", "<!-- /leaderboard -->"
MARKED = re.compile(re.escape(START) + r"\n.*?" + re.escape(END), re.DOTALL)
SIGNIFICANT = 0.05
Values = Mapping[str, Any]
Of = TypeVar("Of")


def with_tables(document: str, tables: str) -> str:
    """Return a document with the tables between its marks; without marks, a document of the tables alone."""
    body = f"{START}\n\n{tables}\n{END}"
    if MARKED.search(document):
        return MARKED.sub(lambda _: body, document, count=1)
    return f"# Leaderboard\n\n{body}\n"


def markdown(leaderboard: Values, suites: Mapping[str, Suite]) -> str:
    """Return all tables as Markdown."""
    parts = [progress_table(leaderboard)]
    for view in leaderboard["suites"]:
        suite = suites[view["name"]]
        parts += [
            f"### {escaped(view['title'])}",
            view["description"],
            f"`lgsid benchmark run {suite.name}`. {view['progress']} {view['interval']}",
        ]
        for board in view["boards"]:
            facts = ", ".join(f"{value} {word}" for word, value in board["facts"] if word != "data hash")
            parts += [
                f"**{escaped(board['title'])}** ({escaped(facts)})",
                board_table(suite, board).markdown_rows(),
                board_note(suite, board),
            ]
    return "\n\n".join(part for part in parts if part) + "\n"


def progress_table(leaderboard: Values) -> str:
    """Say how much of each suite has run; a single suite says so under its heading."""
    found = leaderboard["progress"]
    rows = tuple((row["name"], row["title"], f"{row['results']} of {row['cells']}") for row in found)
    return ReportTable("", ("suite", "", "cells that have run"), rows, 2).markdown_rows() if len(found) > 1 else ""


def board_note(suite: Suite, board: Values) -> str:
    """Say what the columns compare."""
    titles = titles_of(board)
    seeds = ", ".join(str(seed) for seed in suite.seeds)
    columns = [suite.task.metric_column(key) for key in measured(suite, board)]
    *first, last = [column.title for column in columns]
    metrics = f"{', '.join(first)} and {last}" if first else last
    own: dict[str, list[str]] = {}
    for method in board["methods"]:
        if method["against"]:
            own.setdefault(titles[method["against"]], []).append(method["title"])
    pairs = "; ".join(f"{escaped(', '.join(rows))} from {escaped(other)}" for other, rows in own.items())
    compared = f" From its own: {pairs}." if own else ""
    meant = " ".join(f"{c.part.title.capitalize()}: {uncapitalized(c.part.help)}" for c in columns if c.part.key)
    return (
        f"Difference: {metrics} minus that of {escaped(titles[board['baseline']])}, paired; \\* where p <"
        f" {SIGNIFICANT} after Holm's correction over all differences of the table.{compared} Seeds: {seeds}. {meant}"
    ).strip()


def measured(suite: Suite, board: Values) -> list[str]:
    """Return the primary metrics that some method of a board has; the first one in any case."""
    first, *others = suite.primaries
    return [first, *(key for key in others if any(key in method["values"] for method in board["methods"]))]


def board_table(suite: Suite, board: Values) -> ReportTable:
    """Compare the methods of a board, the best first; those without the primary metric last."""
    key, task, keys = suite.primary, suite.task, measured(suite, board)
    sign = -1.0 if task.metric_column(key).metric.higher else 1.0
    ranked = sorted(
        board["methods"],
        key=lambda m: (key not in m["values"], sign * m["values"][key][0] if key in m["values"] else 0.0, m["name"]),
    )
    others = [other for other in task.table(keys) if any(other.key in method["values"] for method in ranked)]
    own = {method["name"]: method["against"] for method in ranked if method["against"]}
    heads = ("difference", *(["from its own"] if own else []))
    titles = [title for key in keys for title in (task.title_of(key), *heads)]
    found = {
        (key, name, head): values
        for key in keys
        for head, of in zip(heads, (dict.fromkeys(titles_of(board), board["baseline"]), own), strict=False)
        for name, other in of.items()
        if (values := board["differences"].get(key, {}).get(other, {}).get(name))
    }
    starred = significant({of: values[3] for of, values in found.items()})
    rows = []
    for method in ranked:
        cells = []
        for one in keys:
            digits = task.metric_column(one).metric.digits
            cells.append(with_interval(method["values"].get(one), digits))
            compared = [(one, method["name"], head) for head in heads]
            cells += [difference(found.get(of), digits, of in starred) for of in compared]
        cells += [shown(method["values"].get(other.key), other.metric.digits) for other in others]
        rows.append((method["title"], method["role"], *cells))
    return ReportTable("", ("method", "", *titles, *(other.title for other in others)), tuple(rows), 2)


def titles_of(board: Values) -> dict[str, str]:
    """Return the titles of the methods of a board by their names."""
    return {method["name"]: method["title"] for method in board["methods"]}


def significant(p: Mapping[Of, float | None]) -> set[Of]:
    """Return which differences are significant after Holm's correction over all of them; `None` is not known."""
    values = np.array([np.nan if one is None else one for one in p.values()], dtype=float)
    return {of for of, corrected in zip(p, holm(values), strict=True) if corrected < SIGNIFICANT}


def shown(value: Any, digits: int) -> str:
    """Write the mean of a triple, a dash for nothing."""
    return "-" if value is None else f"{value[0]:.{digits}f}"


def with_interval(value: Any, digits: int) -> str:
    """Write a mean with its interval."""
    if value is None:
        return "-"
    mean, low, high = value
    return f"{mean:.{digits}f}" + ("" if low is None else f" ({low:.{digits}f} to {high:.{digits}f})")


def difference(found: Any, digits: int, starred: bool) -> str:
    """Write a paired difference with its interval, and a star if it is significant."""
    if found is None:
        return ""
    mean, low, high, *_ = found
    interval = "" if low is None else f" ({low:+.{digits}f} to {high:+.{digits}f})"
    return f"{mean:+.{digits}f}{interval}" + ("*" if starred else "")
