"""A map of the prefixes made of text, for the terminal."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from rich.color import Color
from rich.style import Style
from rich.text import Text

from lgsid.artefacts import Items, SemanticIDs
from lgsid.plots.map_window import city_window, local_km
from lgsid.plots.neighbor_colors import neighbor_colors
from lgsid.plots.palette import CATEGORICAL
from lgsid.plots.prefix_groups import prefix_groups

UPPER, LOWER, BOTH, NONE = "▀", "▄", "█", " "


def terminal_map(items: Items, sids: SemanticIDs, columns: int = 78, rows: int = 22) -> Text:
    """Draw the city in half blocks, each the color of the first code that most of its places have.

    Args:
        items: The places.
        sids: Semantic IDs of at least those places.
        columns: Width in characters.
        rows: Height in lines; a line is two cells high, and a cell as high as it is wide.

    Returns:
        The text, `rows` lines. Without colors it still shows where places are.
    """
    lat, lon = items.lat_deg, items.lon_deg
    xy = local_km(lat, lon)
    groups = prefix_groups(sids.for_items(items), 1)
    colors = neighbor_colors(xy, groups, len(CATEGORICAL))
    window = city_window(xy, aspect=columns / (2 * rows))
    inside = window.inside(xy)
    corner = np.array([window.west_km, window.south_km])
    cells = ((xy[inside] - corner) / window.width_km * columns).astype(np.int64)
    cells = np.clip(cells, 0, [columns - 1, 2 * rows - 1])
    shades = majority(cells, groups[inside], colors[inside], columns, 2 * rows)[::-1]  # north first
    text = Text(no_wrap=True)
    for row in range(rows):
        for above, below in zip(shades[2 * row].tolist(), shades[2 * row + 1].tolist(), strict=True):
            text.append(*block(above, below))
        text.append("\n" if row < rows - 1 else "")
    return text


def majority(
    cells: npt.NDArray[np.int64],
    groups: npt.NDArray[np.int64],
    colors: npt.NDArray[np.int64],
    width: int,
    height: int,
) -> npt.NDArray[np.int64]:
    """Return the color of the most frequent group of each cell, shape (height, width), -1 where nothing is.

    Args:
        cells: Column and row of each place, shape (N, 2).
        groups: Shape (N,).
        colors: Color of each place's group, shape (N,).
        width: Number of columns.
        height: Number of rows.
    """
    result = np.full((height, width), -1, dtype=np.int64)
    keys = np.stack([cells[:, 1], cells[:, 0], groups], axis=1)
    found, first, counts = np.unique(keys, axis=0, return_index=True, return_counts=True)
    for place in np.argsort(counts, kind="stable").tolist():  # the most frequent is written last
        result[found[place, 0], found[place, 1]] = colors[first[place]]
    return result


def block(above: int, below: int) -> tuple[str, Style | None]:
    """Return the character of two cells over each other and its style; -1 is an empty cell."""
    if above < 0 and below < 0:
        return NONE, None
    if above < 0 or below < 0:
        return (LOWER, Style(color=rgb(below))) if above < 0 else (UPPER, Style(color=rgb(above)))
    if above == below:
        return BOTH, Style(color=rgb(above))
    return UPPER, Style(color=rgb(above), bgcolor=rgb(below))


def rgb(color: int) -> Color:
    """Return one of the shared colors for a terminal."""
    return Color.parse(CATEGORICAL[color])
