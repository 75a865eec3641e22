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
    from matplotlib.ticker import FuncFormatter, NullFormatter

    figure = Figure(figsize=(14, 9), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(2, 2, sharex=True)
    left = list(result["titles"])
    known_sizes = [one["places"] for one in result["measurements"] if "cpu_seconds" in one]
    sizes = min(known_sizes) / 1.3, max(known_sizes) * 1.3
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
            axes.set(xscale="log", yscale="log", ylabel=unit, xlim=sizes)
            for axis in (axes.xaxis, axes.yaxis):
                axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
            axes.yaxis.set_minor_formatter(NullFormatter())
            axes.set_title(f"{unit}, {title}", loc="left", fontsize=11)
            axes.grid(color="#d9d9d9", linewidth=0.7)
            for side in ("top", "right"):
                axes.spines[side].set_visible(False)
        guide(row[0], *sizes)
        row[1].axhline(2048, color="#999999", linestyle=":", linewidth=1)
        handles, labels = row[0].get_legend_handles_labels()
        row[1].legend(
            handles,
            labels,
            fontsize=8,
            frameon=False,
            loc="center left",
            bbox_to_anchor=(1.02, 0.5),
            title="(exponent)",
            title_fontsize=8,
        )
    for axes in panels[1]:
        axes.set_xlabel("places")
    about = result["machine"]
    text = (
        f"{about['processor']}, {about['threads']} of {about['cores']} cores. Dashed: linear and square; dotted: 2 GiB."
    )
    figure.suptitle(text, fontsize=9, x=0.01, ha="left")
    with atomic_path(path) as partial:
        figure.savefig(partial, format="png", dpi=110)


def guide(axes: Any, low: float, high: float) -> None:
    """Draw lines of linear and of square growth from the lower left corner."""
    bottom, top = axes.get_ylim()
    for power in (1, 2):
        axes.plot([low, high], [bottom, bottom * (high / low) ** power], "--", color="#bbbbbb", linewidth=1)
    axes.set_ylim(bottom, top)
