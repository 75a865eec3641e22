"""Bar charts that compare recommenders by their metrics."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from lgsid.escaping import in_figure
from lgsid.metrics.metric_spec import columns
from lgsid.metrics.ranking_declarations import PRIMARY, ranking_metrics
from lgsid.metrics.slices import ranking_slices
from lgsid.plots.canvas import LABEL_SIZE, NOTE_SIZE, new_figure, plain_axes, set_heading, set_title
from lgsid.plots.palette import AFTER, BEFORE, COUNTING, INK, SOFT_INK

KINDS = {"learnt": AFTER, "control": BEFORE, "counting": COUNTING}
KIND_WORDS = {"learnt": "trained", "control": "trained, on random codes", "counting": "counting, no training"}


@dataclass(frozen=True)
class ModelScores:
    """A recommender's test metrics.

    Args:
        name: Name in tables.
        kind: "learnt", "control" (trained on random codes) or "counting".
        metrics: `test/...` -> value.
        model: Name of its class, if known.
        sids: Name of its semantic IDs, empty for none.
    """

    name: str
    kind: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    model: str = ""
    sids: str = ""

    def value(self, metric: str) -> float:
        """Return a metric, NaN where it was not measured."""
        return float(self.metrics.get(metric, math.nan))


def ranking_bars(models: Sequence[ModelScores]) -> Figure:
    """Draw the metrics that are declared for the figure, a panel each, the primary one first.

    Args:
        models: In the order of the rows, best first. Metrics that no model has get no panel.

    Returns:
        The figure.
    """
    declared = columns(ranking_metrics(), ranking_slices(), "figure", first=PRIMARY)
    titles = {f"test/{column.key}": f"{column.metric.title}, {column.part.title}" for column in declared}
    panels = [(key, title) for key, title in titles.items() if any(math.isfinite(m.value(key)) for m in models)]
    figure = new_figure(2.2 + 2.75 * max(len(panels), 1), 1.5 + 0.34 * max(len(models), 2))
    set_heading(figure, "Next place, ranked among all places (test)", size=12)
    axes = figure.subplots(1, max(len(panels), 1), sharey=True, squeeze=False)[0]
    for panel, (metric, title) in zip(axes, panels, strict=False):
        draw_metric(panel, models, metric)
        set_title(panel, title)
    axes[0].set_yticks(range(len(models)), [in_figure(model.name, 40) for model in models])
    axes[0].set_ylim(len(models) - 0.4, -0.6)
    present = [kind for kind in KINDS if any(model.kind == kind for model in models)]
    handles = [Patch(color=KINDS[kind], label=KIND_WORDS[kind]) for kind in present]
    figure.legend(
        handles=handles, loc="outside lower left", ncols=3, frameon=False, fontsize=LABEL_SIZE, labelcolor=INK
    )
    return figure


def draw_metric(axes: Axes, models: Sequence[ModelScores], metric: str) -> None:
    """Draw one metric of every model as bars from zero, each with its value."""
    values = [model.value(metric) for model in models]
    widths = [value if math.isfinite(value) else 0.0 for value in values]
    bars = axes.barh(range(len(models)), widths, height=0.66, color=[KINDS[model.kind] for model in models])
    texts = [f"{value:.3f}" if math.isfinite(value) else "not measured" for value in values]
    axes.bar_label(bars, texts, fontsize=NOTE_SIZE, color=SOFT_INK, padding=3)
    axes.set_xlim(0, 1.22 * max(max(widths, default=0.0), 1e-3))
    plain_axes(axes, grid="x")
    axes.locator_params(axis="x", nbins=4)
