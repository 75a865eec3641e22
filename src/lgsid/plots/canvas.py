"""Figures without pyplot: no global state, no window system, the same bytes on every run."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lgsid.artefacts.files import atomic_path
from lgsid.escaping import in_figure
from lgsid.plots.palette import INK, PAPER, RULE, SOFT_INK

TITLE_SIZE, LABEL_SIZE, NOTE_SIZE = 10.5, 9.0, 8.0


def new_figure(width_in: float, height_in: float, layout: Literal["constrained"] | None = "constrained") -> Figure:
    """Return an empty figure of the given size in inches, which lays itself out unless `layout` is `None`."""
    figure = Figure(figsize=(width_in, height_in), facecolor=PAPER, layout=layout)
    FigureCanvasAgg(figure)
    return figure


def save_png(figure: Figure, path: str | Path, dpi: int = 150) -> None:
    """Write a figure as PNG, atomically, without a date or a version inside.

    Args:
        figure: The figure.
        path: The file.
        dpi: Pixels per inch.
    """
    with atomic_path(path) as partial, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from")  # names in scripts that the font has not
        figure.savefig(partial, format="png", dpi=dpi, metadata={"Software": None}, facecolor=figure.get_facecolor())


def set_heading(figure: Figure, heading: str, size: float = 13.0) -> None:
    """Put a heading over the whole figure, at the left."""
    figure.suptitle(in_figure(heading, 110), x=0.012, ha="left", fontsize=size, color=INK, fontweight="bold")


def set_title(axes: Axes, title: str, note: str = "") -> None:
    """Put a title over one panel, at the left, and a softer note under it."""
    axes.set_title(in_figure(title), loc="left", fontsize=TITLE_SIZE, color=INK, pad=17 if note else 6)
    if note:
        shown = in_figure(note, 90)
        text = axes.annotate(shown, (0, 1), (0, 4), xycoords="axes fraction", textcoords="offset points", va="bottom")
        text.set(fontsize=NOTE_SIZE, color=SOFT_INK)


def plain_axes(axes: Axes, grid: str = "y") -> None:
    """Leave only what helps to read values: soft grid lines along one direction, no box, no tick marks.

    Args:
        axes: The panel.
        grid: Which values the grid lines mark: `x`, `y`, or an empty text for none.
    """
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(length=0, labelsize=LABEL_SIZE, labelcolor=INK)
    axes.set_axisbelow(True)
    if grid:
        axes.grid(axis="x" if grid == "x" else "y", color=RULE, linewidth=0.8)


def bare_axes(axes: Axes) -> None:
    """Remove ticks and keep a thin frame, for maps and projections whose axes mean nothing."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color(RULE)
        spine.set_linewidth(0.8)


def dot_handles(colors: Iterable[str], labels: Sequence[str], size: float = 7.0) -> list[Line2D]:
    """Return one legend entry with a round mark per color."""
    texts = [in_figure(label, 90) for label in labels]
    return [
        Line2D([], [], marker="o", linestyle="", markersize=size, markeredgewidth=0, color=color, label=text)
        for color, text in zip(colors, texts, strict=True)
    ]
