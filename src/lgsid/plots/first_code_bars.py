"""Which first codes a kind of place falls on, before and after the alignment."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lgsid.artefacts import Items, SemanticIDs
from lgsid.escaping import in_figure
from lgsid.plots.canvas import LABEL_SIZE, new_figure, plain_axes, set_heading, set_title
from lgsid.plots.palette import AFTER, GRAY, INK
from lgsid.plots.prefix_groups import describe_prefix, prefix_token

SHOWN_CODES = 10


def first_code_bars(
    items: Items, sids: Mapping[str, SemanticIDs], kinds: Mapping[str, npt.NDArray[np.bool_]]
) -> Figure:
    """Draw the first codes that hold most places of a kind: how many of it, and how many others share the code.

    The case study of LGSID (arXiv 2511.14221): on which first-level tokens a category falls, before and after.

    Args:
        items: The N places.
        sids: Title of a column (`before`, `after`) -> semantic IDs of at least those places.
        kinds: Name of a kind of place, a category or a chain -> which places are of it, (N,) with at least one.

    Returns:
        The figure: a row for each kind, a column for each set of semantic IDs.
    """
    figure = new_figure(1.2 + 6.4 * len(sids), 0.9 + 2.9 * len(kinds))
    set_heading(figure, "First codes of the semantic IDs that a kind of place falls on", size=12)
    panels = figure.subplots(len(kinds), len(sids), squeeze=False)
    for row, (kind, members) in enumerate(kinds.items()):
        for column, (title, ids) in enumerate(sids.items()):
            draw_codes(panels[row, column], items, ids.for_items(items)[:, 0], members, f"{kind}, {title}")
    figure.legend(
        handles=panels[0, 0].get_legend_handles_labels()[0],
        loc="outside lower left",
        ncols=2,
        frameon=False,
        fontsize=LABEL_SIZE,
        labelcolor=INK,
    )
    return figure


def draw_codes(
    axes: Axes, items: Items, code: npt.NDArray[np.int64], members: npt.NDArray[np.bool_], title: str
) -> None:
    """Draw a bar for each of the codes with most members, the most at the top."""
    codes, own = np.unique(code[members], return_counts=True)
    order = np.argsort(-own, kind="stable")[:SHOWN_CODES]
    shown, counts = codes[order], own[order]
    others = np.array([np.count_nonzero(code == one) for one in shown]) - counts
    labels = [describe_prefix(items.take(np.flatnonzero(code == one)), prefix_token(np.array([one]))) for one in shown]
    at = np.arange(len(shown))
    axes.barh(at, counts, color=AFTER, label="places of this kind")
    axes.barh(at, others, left=counts, color=GRAY, label="others of the same first code")
    axes.set_yticks(at, [in_figure(label, 60) for label in labels])
    axes.invert_yaxis()
    plain_axes(axes, grid="x")
    axes.tick_params(axis="y", labelsize=LABEL_SIZE - 1.5)
    share = counts.sum() / max(int(members.sum()), 1)
    note = f"{int(members.sum())} places on {len(codes)} first codes, {share:.0%} on these {len(shown)}"
    set_title(axes, title, note)
