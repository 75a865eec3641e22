"""The dial of an alignment: what its settings give in geography and next places for what they take from meaning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lgsid.escaping import in_figure
from lgsid.plots.canvas import LABEL_SIZE, new_figure, plain_axes, set_heading, set_title
from lgsid.plots.palette import CATEGORICAL, GRAY, INK, SOFT_INK


@dataclass(frozen=True)
class DialPoint:
    """One setting of an alignment, and what its vectors are.

    Args:
        label: The setting, in a word or two.
        purity: Share of the nearest vectors of the same category.
        coverage: Share of them in the same region of the finest level.
        oracle: Largest coverage that lists of that purity can have.
        retrieval: Hit@10 of the next place by the vectors alone.
        with_distance: The same, added to distance.
    """

    label: str
    purity: float
    coverage: float
    oracle: float
    retrieval: float
    with_distance: float


PANELS = (
    ("coverage", "Coverage of the finest region"),
    ("retrieval", "Next place, by the vectors alone (Hit@10)"),
    ("with_distance", "Next place, vectors and distance (Hit@10)"),
)


def alignment_dial(
    series: Mapping[str, Sequence[DialPoint]],
    unaligned: DialPoint,
    distance: float | None = None,
    heading: str = "",
) -> Figure:
    """Draw coverage and next-place retrieval over purity, a curve for each setting that is turned.

    Args:
        series: What is turned (`weight of meaning`, `steps`) -> its settings, in their order.
        unaligned: The encoder before the alignment.
        distance: Hit@10 of nearness alone, as a line; none, no line.
        heading: Heading of the figure.

    Returns:
        The figure: three panels over purity.
    """
    figure = new_figure(13.6, 4.7)
    set_heading(figure, heading or "The dial of the alignment", size=12)
    panels = figure.subplots(1, len(PANELS))
    points = [unaligned, *(point for row in series.values() for point in row)]
    for axes, (name, title) in zip(panels, PANELS, strict=True):
        if name == "coverage":
            oracle = sorted((point.purity, point.oracle) for point in points)
            axes.plot(*zip(*oracle, strict=True), color=SOFT_INK, linestyle="--", linewidth=1.2, label="oracle")
        if name == "with_distance" and distance is not None:
            axes.axhline(distance, color=SOFT_INK, linestyle=":", linewidth=1.2, label="distance alone")
        axes.scatter([unaligned.purity], [getattr(unaligned, name)], color=GRAY, s=60, zorder=3, label="unaligned")
        for color, (label, row) in zip(CATEGORICAL, series.items(), strict=False):
            draw_series(axes, label, row, name, color)
        axes.set_xlabel("purity@5: nearest vectors of the same category", fontsize=LABEL_SIZE, color=INK)
        plain_axes(axes)
        set_title(axes, title)
    handles = {
        label: handle for axes in panels for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        handles=list(handles.values()),
        loc="outside lower left",
        ncols=len(handles),
        frameon=False,
        fontsize=LABEL_SIZE,
        labelcolor=INK,
    )
    return figure


def draw_series(axes: Axes, label: str, row: Sequence[DialPoint], name: str, color: str) -> None:
    """Draw one curve, its settings beside its points."""
    xs, ys = [point.purity for point in row], [getattr(point, name) for point in row]
    axes.plot(xs, ys, color=color, marker="o", markersize=4.5, linewidth=1.4, label=in_figure(label, 30))
    for point, x, y in zip(row, xs, ys, strict=True):
        axes.annotate(
            in_figure(point.label, 12), (x, y), (3, 4), textcoords="offset points", fontsize=7, color=SOFT_INK
        )
