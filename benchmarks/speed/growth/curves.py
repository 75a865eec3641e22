"""What the measurements come to: exponents, and a picture of the curves."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lgsid.artefacts.files import atomic_path

LEAST_SECONDS = 0.05
"""Shorter times say more of the start than of the growth."""
PANELS = (
    ("tokenizers", ("hier_", "residual_", "rqvae", "random", "plain", "nearest_", "counter_")),
    ("the rest", ("",)),
)
COLORS = ("#1b6ca8", "#d1495b", "#2e933c", "#edae49", "#66418a", "#00798c", "#8c564b", "#3d405b", "#b56576", "#6c757d")
MARKS = "os^Dv"


def points(measurements: Iterable[Mapping[str, Any]], case: str, key: str) -> list[tuple[int, float]]:
    """Return the sizes and values of a case, without what failed."""
    return sorted((one["places"], float(one[key])) for one in measurements if one["case"] == case and key in one)


def exponent(measurements: Iterable[Mapping[str, Any]], case: str) -> float | None:
    """Return the slope of log CPU time over log places by least squares: 1 is linear, 2 the square; none if unknown."""
    known = [(math.log(n), math.log(s)) for n, s in points(measurements, case, "cpu_seconds") if s >= LEAST_SECONDS]
    if len(known) < 2:
        return None
    mean_x, mean_y = (sum(axis) / len(known) for axis in zip(*known, strict=True))
    slope = sum((x - mean_x) * (y - mean_y) for x, y in known) / sum((x - mean_x) ** 2 for x, _ in known)
    return round(slope, 2)


def draw(result: Mapping[str, Any], path: Path) -> None:
    """Draw CPU seconds and peak memory over the number of places, tokenizers apart from the rest."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 9), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(2, 2, sharex=True)
    left = list(result["titles"])
    for row, (title, starts) in zip(panels, PANELS, strict=True):
        mine = [case for case in left if case.startswith(starts)]
        left = [case for case in left if case not in mine]
        for axes, key, unit in zip(row, ("cpu_seconds", "peak_mb"), ("CPU seconds", "peak MB"), strict=True):
            for number, case in enumerate(mine):
                known = points(result["measurements"], case, key)
                if known:
                    slope = result["exponents"].get(case)
                    label = result["titles"][case] + (f" ({slope:.2f})" if slope is not None else "")
                    axes.plot(
                        *zip(*known, strict=True),
                        color=COLORS[number % len(COLORS)],
                        marker=MARKS[number % len(MARKS)],
                        markersize=5,
                        label=label,
                    )
            axes.set(xscale="log", yscale="log", ylabel=unit)
            axes.set_title(f"{unit}, {title}", loc="left", fontsize=11)
            axes.grid(color="#d9d9d9", linewidth=0.7)
            for side in ("top", "right"):
                axes.spines[side].set_visible(False)
        guide(row[0])
        row[1].axhline(2048, color="#999999", linestyle=":", linewidth=1)
        row[0].legend(fontsize=7.5, frameon=False, loc="upper left", ncols=1, title="(exponent)", title_fontsize=7.5)
    for axes in panels[1]:
        axes.set_xlabel("places")
    about = result["machine"]
    text = (
        f"{about['processor']}, {about['threads']} of {about['cores']} cores. Dashed: linear and square; dotted: 2 GiB."
    )
    figure.suptitle(text, fontsize=9, x=0.01, ha="left")
    with atomic_path(path) as partial:
        figure.savefig(partial, format="png", dpi=110)


def guide(axes: Any) -> None:
    """Draw lines of linear and of square growth through the lower left corner."""
    low, high = axes.get_xlim()
    bottom, top = axes.get_ylim()
    for power in (1, 2):
        axes.plot([low, high], [bottom, bottom * (high / low) ** power], "--", color="#bbbbbb", linewidth=1)
    axes.set_xlim(low, high)
    axes.set_ylim(bottom, top)
