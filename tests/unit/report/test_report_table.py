"""Tables on terminals of any width: nothing overflows, and no number is cut."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from lgsid.report.report_table import ReportTable


def shown(table: ReportTable, width: int) -> list[str]:
    buffer = io.StringIO()
    Console(file=buffer, width=width, force_terminal=False).print(table)
    return [line.rstrip() for line in buffer.getvalue().splitlines()]


def wide(n_numbers: int) -> ReportTable:
    header = ("model", "SIDs", *(f"metric_number_{n} at@{n}" for n in range(n_numbers)))
    rows = [(f"model_{m}", "tokenize", *(f"{m}{n:02d},234.56{n}" for n in range(n_numbers))) for m in range(3)]
    return ReportTable("Title", header, tuple(rows), 2, "A note that is longer than the terminal is wide, perhaps.")


@pytest.mark.parametrize("width", [60, 80, 132])
@pytest.mark.parametrize("n_numbers", [1, 5, 12, 30])
def test_every_number_is_whole_and_nothing_is_wider_than_the_terminal(width, n_numbers):
    table = wide(n_numbers)
    lines = shown(table, width)
    assert max(len(line) for line in lines) <= width
    words = re.split(r"\s+", " ".join(lines))
    assert all(words.count(cell) == 1 for row in table.rows for cell in row[2:])
    assert words.count("model_1") == len(table.fitting(width))


def test_columns_stay_together_where_they_fit():
    table = wide(12)
    assert table.fitting(1000) == [list(range(14))]
    groups = table.fitting(80)
    assert len(groups) > 1
    assert [column for group in groups for column in group[2:]] == list(range(2, 14))


def test_long_words_are_cut_before_numbers():
    lines = shown(ReportTable("T", ("a", "n"), (("x" * 200, "0.123"),)), 80)
    assert max(len(line) for line in lines) <= 80
    assert any("…" in line and line.endswith("0.123") for line in lines)
