"""A table that is written once and shown on the terminal and in Markdown."""

from __future__ import annotations

from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text


@dataclass(frozen=True)
class ReportTable:
    """Cells as texts.

    Args:
        title: What the table is.
        header: Names of the columns.
        rows: One tuple per row, as long as the header.
        text_columns: How many columns, from the left, are words rather than numbers.
        note: One sentence under the title: units, directions.
        breaks: Numbers of the rows after which a line is drawn.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    text_columns: int = 1
    note: str = ""
    breaks: tuple[int, ...] = ()

    def __rich__(self) -> Group:
        """Return title, note and table for a terminal of 80 columns."""
        table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        for position, name in enumerate(self.header):
            if position < self.text_columns:
                table.add_column(Text(name), overflow="ellipsis", no_wrap=True)
            else:
                table.add_column(Text(folded(name)), justify="right", overflow="fold")
        for position, row in enumerate(self.rows):
            table.add_row(*(Text(cell) for cell in row), end_section=position in self.breaks)
        parts: list[RenderableType] = [Text(self.title, style="bold")]
        if self.note:
            parts.append(Text(self.note, style="dim"))
        return Group(*parts, table)

    def markdown(self) -> str:
        """Return title, note and table as Markdown."""
        lines = [f"## {self.title}", ""]
        if self.note:
            lines += [self.note, ""]
        return "\n".join([*lines, self.markdown_rows()]) + "\n"

    def markdown_rows(self) -> str:
        """Return the table alone as Markdown."""
        align = ["---" if number < self.text_columns else "---:" for number in range(len(self.header))]
        return "\n".join(markdown_row(cells) for cells in (self.header, tuple(align), *self.rows))


def folded(name: str, width: int = 12) -> str:
    """Break a heading at spaces, and if it is long after underscores, so that its column stays narrow."""
    return "\n".join(word if len(word) <= width else word.replace("_", "_\n") for word in name.split(" "))


def markdown_row(cells: tuple[str, ...]) -> str:
    """Return one row of a Markdown table; characters that mean something there are escaped."""
    escaped = [cell.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ") for cell in cells]
    return "| " + " | ".join(escaped) + " |"
