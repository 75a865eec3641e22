"""How far apart the places of one prefix are, depth by depth."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from lgsid.artefacts import Items, SemanticIDs
from lgsid.escaping import in_figure
from lgsid.plots.canvas import LABEL_SIZE, NOTE_SIZE, new_figure, plain_axes, set_heading
from lgsid.plots.palette import CATEGORICAL, INK, SOFT_INK
from lgsid.plots.prefix_groups import kilometers_within, km_text, prefix_groups

MIN_PAIRS = 20


def prefix_distances(items: Items, sids: Mapping[str, SemanticIDs], seed: int = 0) -> Figure:
    """Draw the median distance between two places that share a prefix, per depth, beside random groups of those sizes.

    Args:
        items: The places.
        sids: Name of the line -> semantic IDs of at least those places.
        seed: Seed of the random groups.

    Returns:
        The figure: km on a logarithmic axis, one line per set of IDs, one dashed line for random groups.
    """
    figure = new_figure(8.6, 4.1)
    set_heading(figure, "Distance between two places that share a prefix", size=12)
    axes = figure.subplots()
    lat, lon = items.lat_deg, items.lon_deg
    deepest = 1
    for number, (name, ids) in enumerate(sids.items()):
        codes = ids.for_items(items)
        groups = [prefix_groups(codes, depth) for depth in range(1, ids.n_levels + 1)]
        depths = range(1, ids.n_levels + 1)
        deepest = max(deepest, ids.n_levels)
        color = CATEGORICAL[number % len(CATEGORICAL)]
        medians = [median_km(lat, lon, group, seed) for group in groups]
        axes.plot(depths, medians, color=color, marker="o", markersize=6, linewidth=2, label=in_figure(name, 40))
        for depth, median in zip(depths, medians, strict=True):
            if np.isfinite(median):
                note = km_text(median)
                axes.annotate(
                    note, (depth, median), (5, 4), textcoords="offset points", fontsize=NOTE_SIZE, color=color
                )
        if number == 0:
            order = np.random.default_rng(seed).permutation(len(items))
            shuffled = [median_km(lat, lon, group[order], seed) for group in groups]
            dashes = (0, (4, 3))
            label = in_figure(f"{name}, places shuffled")
            axes.plot(depths, shuffled, color=SOFT_INK, linestyle=dashes, linewidth=1.3, label=label)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_xticks(range(1, deepest + 1), [f"{depth} code{'s' * (depth > 1)}" for depth in range(1, deepest + 1)])
    axes.set_xlim(0.85, deepest + 0.35)
    axes.set_ylabel("median km, logarithmic", fontsize=LABEL_SIZE, color=INK)
    plain_axes(axes)
    figure.legend(loc="outside right center", frameon=False, fontsize=LABEL_SIZE, labelcolor=INK)
    return figure


def median_km(
    lat_deg: npt.NDArray[np.float64], lon_deg: npt.NDArray[np.float64], groups: npt.NDArray[np.int64], seed: int
) -> float:
    """Return the median km between items of one group, NaN where fewer than `MIN_PAIRS` pairs exist. Shapes (N,)."""
    apart = kilometers_within(lat_deg, lon_deg, groups, seed)
    return float(np.median(apart)) if len(apart) >= MIN_PAIRS else float("nan")
