"""Bar charts of the neighborhoods of the vectors before and after the alignment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from lgsid.escaping import in_figure
from lgsid.plots.canvas import LABEL_SIZE, new_figure, plain_axes, set_heading, set_title
from lgsid.plots.palette import AFTER, BEFORE, INK

BAR = 0.36


@dataclass(frozen=True)
class BeforeAfter:
    """One figure of the alignment, before and after.

    Args:
        name: What it is, as the label of a pair of bars.
        before: Value with the encoder as it came.
        after: Value with the aligned encoder.
    """

    name: str
    before: float
    after: float


def neighborhood_bars(shares: Sequence[BeforeAfter], kilometers: Sequence[BeforeAfter] = (), k: int = 5) -> Figure:
    """Draw shares of the k nearest vectors (same region by level, same category) and their distance, in pairs of bars.

    Args:
        shares: Shares between 0 and 1.
        kilometers: Distances in km, in a panel of their own; none, no panel.
        k: Number of neighbors, for the titles.

    Returns:
        The figure.
    """
    widths = [max(len(shares), 1), *([len(kilometers)] if kilometers else [])]
    figure = new_figure(1.9 + 1.35 * sum(widths), 3.9)
    set_heading(figure, f"The {k} nearest vectors of a place, before and after the alignment", size=12)
    panels = figure.subplots(1, len(widths), width_ratios=widths, squeeze=False)[0]
    draw_pairs(panels[0], shares, "{:.2f}")
    panels[0].set_ylim(0, 1)
    set_title(panels[0], f"Share of the {k} nearest that have the same ...")
    if kilometers:
        draw_pairs(panels[1], kilometers, "{:.2f}")
        panels[1].set_ylim(0, 1.15 * max(max(pair.before, pair.after) for pair in kilometers))
        set_title(panels[1], "Distance to them, km")
    handles = [Patch(color=BEFORE, label="before"), Patch(color=AFTER, label="after")]
    figure.legend(
        handles=handles, loc="outside lower left", ncols=2, frameon=False, fontsize=LABEL_SIZE, labelcolor=INK
    )
    return figure


def draw_pairs(axes: Axes, pairs: Sequence[BeforeAfter], form: str) -> None:
    """Draw a pair of bars for each figure, with its value on top."""
    for side, color in ((-1, BEFORE), (1, AFTER)):
        heights = [pair.before if side < 0 else pair.after for pair in pairs]
        bars = axes.bar([x + side * BAR / 2 for x in range(len(pairs))], heights, BAR * 0.94, color=color)
        axes.bar_label(bars, [form.format(value) for value in heights], fontsize=LABEL_SIZE - 0.5, color=INK, padding=2)
    axes.set_xticks(range(len(pairs)), [in_figure(pair.name, 24) for pair in pairs])
    axes.set_xlim(-0.6, len(pairs) - 0.4)
    plain_axes(axes)
