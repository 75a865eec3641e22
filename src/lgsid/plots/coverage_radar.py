"""A radar of what the nearest vectors have in common with a place, before and after the alignment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.projections.polar import PolarAxes

from lgsid.escaping import in_figure
from lgsid.plots.canvas import LABEL_SIZE, new_figure, set_heading
from lgsid.plots.palette import AFTER, BEFORE, INK, RULE, SOFT_INK

BOUND = "bound"
COLORS = {"before": BEFORE, "after": AFTER, BOUND: SOFT_INK}


def coverage_radar(axes_names: Sequence[str], shares: Mapping[str, Sequence[float]], heading: str = "") -> Figure:
    """Draw shares of the nearest vectors (same region by level, same category), one axis each.

    Args:
        axes_names: Label of each axis, at least three.
        shares: `before`, `after` and, dashed, `bound` (what no vectors exceed) -> a share of 0 to 1 for each axis.
        heading: Heading of the figure.

    Returns:
        The figure.
    """
    figure = new_figure(8.4, 5.6)
    set_heading(figure, heading or "What the nearest vectors have in common with a place", size=12)
    polar = figure.add_subplot(projection="polar")
    assert isinstance(polar, PolarAxes)
    angles = np.linspace(0, 2 * np.pi, len(axes_names), endpoint=False)
    closed = np.append(angles, angles[0])
    for name, values in shares.items():
        color, dashed = COLORS.get(name, INK), name == BOUND
        style = {"linewidth": 1.2 if dashed else 2.0, "linestyle": "--" if dashed else "-"}
        polar.plot(closed, [*values, values[0]], color=color, label=name, **style)  # type: ignore[arg-type]
        if not dashed:
            polar.fill(closed, [*values, values[0]], color=color, alpha=0.12, linewidth=0)
    polar.set_theta_offset(np.pi / 2)
    polar.set_theta_direction(-1)
    polar.set_xticks(angles, [in_figure(name, 34) for name in axes_names])
    for angle, label in zip(angles, polar.get_xticklabels(), strict=True):  # outside the circle, whatever their length
        side = np.sin(angle)
        label.set_horizontalalignment("center" if abs(side) < 0.1 else "left" if side > 0 else "right")
    polar.set_ylim(0, 1)
    polar.set_yticks([0.25, 0.5, 0.75, 1.0], ["", ".5", "", "1"])
    polar.tick_params(labelsize=LABEL_SIZE, labelcolor=INK, pad=5)
    polar.tick_params(axis="y", labelsize=LABEL_SIZE - 1, labelcolor=SOFT_INK)
    polar.grid(color=RULE, linewidth=0.8)
    polar.spines["polar"].set_color(RULE)
    figure.legend(loc="outside lower left", ncols=3, frameon=False, fontsize=LABEL_SIZE, labelcolor=INK)
    return figure
