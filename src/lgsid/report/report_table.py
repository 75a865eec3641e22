"""A table that is written once and shown on the terminal and in Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from lgsid.escaping import markdown

NOTHING = "-"
WIDEST_WORD = 12
EDGES, GAP = 2, 2  # blanks at both sides of a table, and between two columns


@dataclass(frozen=True)
class ReportTable:
    """Cells as texts.

    Args:
        title: What the table is.
        header: Names of the columns.
        rows: One tuple per row, as long as the header.
        text_columns: How many columns, from the left, are words rather than numbers.
        note: A few sentences under the title: units, directions.
        breaks: Numbers of the rows after which a line is drawn.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    text_columns: int = 1
    note: str = ""
    breaks: tuple[int, ...] = ()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield title, note and table; columns that do not fit beside each other follow in another table below.

        Numbers are never cut; words are, with an ellipsis, where the words alone do not fit.
        """
        yield Text(self.title, style="bold")
        if self.note:
            yield Text(self.note, style="dim")
        widths = self.widths(options.max_width)
        for columns in self.fitting(options.max_width):
            yield self.part(columns, widths)

    def widths(self, width: int) -> list[int]:
        """Return the width of each column: its longest cell; words are narrower where a number would not fit beside."""
        found = [max((cell_len(row[column]) for row in self.rows), default=0) for column in range(len(self.header))]
        for column, name in enumerate(self.header):
            lines = [name] if column < self.text_columns else folded(name).split("\n")
            found[column] = max(found[column], *(cell_len(line) for line in lines))
        words, numbers = found[: self.text_columns], found[self.text_columns :]
        room = width - EDGES - GAP * (len(words) - (not numbers)) - max(numbers, default=0)
        while words and sum(words) > max(room, len(words)):
            words[words.index(max(words))] -= 1
        return [*words, *numbers]

    def fitting(self, width: int) -> list[list[int]]:
        """Return the columns of each table that fits a width: the words, and as many numbers as fit beside them."""
        widths = self.widths(width)
        words = list(range(self.text_columns))
        room = width - EDGES - sum(widths[: self.text_columns]) - GAP * (len(words) - 1)
        groups: list[list[int]] = [[]]
        for column in range(self.text_columns, len(self.header)):
            if groups[-1] and sum(widths[other] + GAP for other in (*groups[-1], column)) > room:
                groups.append([])
            groups[-1].append(column)
        return [[*words, *group] for group in groups]

    def part(self, columns: Sequence[int], widths: Sequence[int]) -> Table:
        """Return some of the columns, of the given widths, as a table for the terminal."""
        table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        for column in columns:
            if column < self.text_columns:
                table.add_column(Text(self.header[column]), overflow="ellipsis", no_wrap=True, width=widths[column])
            else:
                table.add_column(Text(folded(self.header[column])), justify="right", width=widths[column])
        for position, row in enumerate(self.rows):
            table.add_row(*(Text(row[column]) for column in columns), end_section=position in self.breaks)
        return table

    def markdown(self) -> str:
        """Return title, note and table as Markdown."""
        lines = [f"## {markdown(self.title)}", ""]
        if self.note:
            lines += [markdown(self.note), ""]
        return "\n".join([*lines, self.markdown_rows()]) + "\n"

    def markdown_rows(self) -> str:
        """Return the table alone as Markdown."""
        align = ["---" if number < self.text_columns else "---:" for number in range(len(self.header))]
        return "\n".join([markdown_row(self.header), f"| {' | '.join(align)} |", *map(markdown_row, self.rows)])


def folded(name: str, width: int = WIDEST_WORD) -> str:
    """Break a heading at spaces, and if it is long after underscores, so that its column stays narrow."""
    return "\n".join(word if len(word) <= width else word.replace("_", "_\n") for word in name.split(" "))


def markdown_row(cells: tuple[str, ...]) -> str:
    """Return one row of a Markdown table."""
    return f"| {' | '.join(map(markdown, cells))} |"


def number(value: float | None, digits: int = 3) -> str:
    """Write a number, or a dash where there is none."""
    return NOTHING if value is None or not math.isfinite(value) else f"{value:,.{digits}f}"
