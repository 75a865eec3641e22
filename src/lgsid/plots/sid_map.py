"""The map: where the places of one prefix lie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import geopandas
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba_array
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from scipy.spatial import cKDTree
from shapely import get_coordinates, get_parts, transform

from lgsid.artefacts import Items, SemanticIDs
from lgsid.escaping import in_figure
from lgsid.plots.canvas import bare_axes, dot_handles, new_figure, set_heading, set_title
from lgsid.plots.map_window import MapWindow, city_window, dense_window, draw_scale_bar, frame_origin, local_km
from lgsid.plots.neighbor_colors import neighbor_colors
from lgsid.plots.palette import CATEGORICAL, GRAY, INK, RULE, SOFT_INK
from lgsid.plots.prefix_groups import describe_prefix, kilometers_within, km_text, prefix_groups, prefix_token

PANEL_IN, GAP_IN, TITLE_IN, LINE_IN, HEADING_IN = 4.2, 0.16, 0.5, 0.19, 0.68
GROUND_PIXELS, GROUND_VOTES, GROUND_ALPHA = 320, 5, 0.42
GROUND_REACH = (0.03, 0.06)  # how far a place tints the ground, at least and at most, over the width of the map


def sid_map(
    items: Items,
    sids: Mapping[str, SemanticIDs],
    place: str = "",
    outlines: geopandas.GeoDataFrame | None = None,
) -> Figure:
    """Draw places colored by the prefix of their semantic ID, one column per set of IDs.

    The upper row shows the whole city and first codes: a color stands for several prefixes, but never for two whose
    centers are near each other (`neighbor_colors`). The lower row shows the densest part; the largest prefixes of
    two codes there have a color of their own, all others are gray.

    Args:
        items: The places.
        sids: Title of the column -> semantic IDs of at least those places. At least one; the legend is for the first.
        place: Name of the city or the data, for the heading.
        outlines: Polygons to draw under the places, in any CRS.

    Returns:
        The figure.
    """
    lat, lon = items.lat_deg, items.lon_deg
    xy = local_km(lat, lon)
    city = city_window(xy)
    zoom = dense_window(xy, city)
    shapes = None if outlines is None else local_outlines(outlines, lat, lon)
    figure, panels = map_panels(len(sids))
    set_heading(figure, "Places colored by the prefix of their semantic ID" + (f", {place}" if place else ""))
    for (title, ids), (upper, lower) in zip(sids.items(), panels, strict=True):
        codes = ids.for_items(items)
        first, pairs = prefix_groups(codes, 1), prefix_groups(codes, 2)
        set_title(upper, "First code", spread_note(lat, lon, first))
        column_heading(figure, upper, title)
        draw_all(upper, xy, first, city, shapes)
        frame_zoom(upper, zoom)
        set_title(lower, "First two codes, framed part", spread_note(lat, lon, pairs))
        largest = draw_largest(lower, xy, pairs, zoom, shapes)
        if upper is panels[0][0]:
            draw_scale_bar(upper, city)
            draw_scale_bar(lower, zoom)
            add_legend(figure, prefix_entries(items, codes, pairs, largest), title)
    return figure


def map_panels(sets: int) -> tuple[Figure, list[tuple[Axes, Axes]]]:
    """Return a figure with an upper and a lower square panel per set of IDs (beside each other if there is one set).

    Sizes are fixed in inches, so that titles and the legend have the room they need.
    """
    columns, rows = (sets, 2) if sets > 1 else (2, 1)
    legend = LINE_IN * (-(-len(CATEGORICAL) // legend_columns(sets)) + 2)
    width = columns * PANEL_IN + (columns + 1) * GAP_IN
    height = HEADING_IN + rows * (PANEL_IN + TITLE_IN) + legend
    figure = new_figure(width, height, layout=None)

    def panel(row: int, column: int) -> Axes:
        left = GAP_IN + column * (PANEL_IN + GAP_IN)
        bottom = legend + (rows - 1 - row) * (PANEL_IN + TITLE_IN)
        return figure.add_axes((left / width, bottom / height, PANEL_IN / width, PANEL_IN / height))

    if sets > 1:
        return figure, [(panel(0, column), panel(1, column)) for column in range(sets)]
    return figure, [(panel(0, 0), panel(0, 1))]


def column_heading(figure: Figure, upper: Axes, text: str) -> None:
    """Write what a column shows over its upper panel."""
    box = upper.get_position()
    y = box.y1 + (TITLE_IN - 0.03) / figure.get_figheight()
    figure.text(box.x0, y, in_figure(text), fontsize=11, fontweight="bold", color=INK, va="bottom")


def legend_columns(sets: int) -> int:
    """Return how many columns of the legend fit under the panels."""
    return 3 if sets > 2 else 2


def spread_note(
    lat_deg: npt.NDArray[np.float64], lon_deg: npt.NDArray[np.float64], groups: npt.NDArray[np.int64]
) -> str:
    """Say how many prefixes there are and how far apart two places of one prefix are. All of shape (N,)."""
    count = len(np.unique(groups))
    apart = kilometers_within(lat_deg, lon_deg, groups)
    if not len(apart):
        return f"{count:,} prefixes, no two places share one"
    return f"{count:,} prefixes; two places of one lie {km_text(float(np.median(apart)))} apart (median)"


def draw_all(
    axes: Axes,
    xy_km: npt.NDArray[np.float64],
    groups: npt.NDArray[np.int64],
    window: MapWindow,
    outlines: geopandas.GeoSeries | None,
) -> None:
    """Draw all places (N, 2) in the colors of their groups (N,), and tint the ground around them."""
    colors = neighbor_colors(xy_km, groups, len(CATEGORICAL))
    tint_ground(axes, xy_km, groups, colors, window)
    draw_places(axes, xy_km, np.array(CATEGORICAL, dtype=object)[colors], window, outlines)


def draw_largest(
    axes: Axes,
    xy_km: npt.NDArray[np.float64],
    groups: npt.NDArray[np.int64],
    window: MapWindow,
    outlines: geopandas.GeoSeries | None,
) -> dict[int, str]:
    """Draw the groups with the most places in the window in a color each, the others in gray.

    Returns:
        Group -> color, the largest first. Groups of one place are left gray.
    """
    sizes = Counter(groups[window.inside(xy_km)].tolist())
    ranked = sorted((group for group in sizes if sizes[group] > 1), key=lambda group: (-sizes[group], group))
    largest = dict(zip(ranked, CATEGORICAL, strict=False))
    shades = np.array([largest.get(group, GRAY) for group in groups.tolist()], dtype=object)
    draw_places(axes, xy_km, shades, window, outlines)
    return largest


def draw_places(
    axes: Axes,
    xy_km: npt.NDArray[np.float64],
    shades: npt.NDArray[np.object_],
    window: MapWindow,
    outlines: geopandas.GeoSeries | None,
) -> None:
    """Draw the places of a window as dots of the given shades (N,): gray below, no other color always on top."""
    rows = np.flatnonzero(window.inside(xy_km))
    rows = rows[np.random.default_rng(0).permutation(len(rows))]
    rows = rows[np.argsort(shades[rows] != GRAY, kind="stable")]
    if outlines is not None:
        lines = [get_coordinates(line) for line in get_parts(get_parts(outlines.boundary.to_numpy()))]
        axes.add_collection(LineCollection(lines, colors=RULE, linewidths=0.7, zorder=1))
    area = float(np.clip(18000.0 / max(len(rows), 1), 5.0, 34.0))
    sizes = np.where(shades[rows] == GRAY, area / 2, area)
    axes.scatter(xy_km[rows, 0], xy_km[rows, 1], s=sizes, c=shades[rows].tolist(), linewidths=0, zorder=2)
    bare_axes(axes)
    window.show(axes)


def tint_ground(
    axes: Axes,
    xy_km: npt.NDArray[np.float64],
    groups: npt.NDArray[np.int64],
    colors: npt.NDArray[np.int64],
    window: MapWindow,
) -> None:
    """Tint each spot near places in the color that most of the nearest places vote for, fading with distance.

    A group that owns an area becomes a patch, groups that share one become a mottle.
    """
    step = (np.arange(GROUND_PIXELS) + 0.5) / GROUND_PIXELS
    east, north = window.west_km + step * window.width_km, window.south_km + step * window.height_km
    ground = np.stack(np.meshgrid(east, north), axis=-1).reshape(-1, 2)
    voters = list(range(1, min(GROUND_VOTES, len(xy_km)) + 1))
    away, rows = cKDTree(xy_km).query(ground, k=voters)
    votes = groups[rows]
    support = (votes[:, :, None] == votes[:, None, :]).sum(axis=2)
    winner = rows[np.arange(len(rows)), support.argmax(axis=1)]  # the nearest of those with the most votes
    rgba = to_rgba_array(CATEGORICAL)[colors[winner]]
    rgba[:, 3] = GROUND_ALPHA * np.clip(1.6 * (1 - away[:, 0] / ground_reach(xy_km, window)), 0, 1)
    box = (window.west_km, window.west_km + window.width_km, window.south_km, window.south_km + window.height_km)
    image = rgba.reshape(GROUND_PIXELS, GROUND_PIXELS, 4)
    axes.imshow(image, origin="lower", extent=box, interpolation="bilinear", zorder=0)


def ground_reach(xy_km: npt.NDArray[np.float64], window: MapWindow) -> float:
    """Return how far in km a place tints the ground: twice the distance of the fourth nearest place, within bounds."""
    if len(xy_km) < 6:
        return GROUND_REACH[1] * window.width_km
    spacing = float(np.median(cKDTree(xy_km).query(xy_km, k=[5])[0]))
    least, most = (bound * window.width_km for bound in GROUND_REACH)
    return min(max(2 * spacing, least), most)


def frame_zoom(axes: Axes, zoom: MapWindow) -> None:
    """Mark the part of the map that the other panel shows."""
    corner = (zoom.west_km, zoom.south_km)
    axes.add_patch(Rectangle(corner, zoom.width_km, zoom.height_km, fill=False, edgecolor=INK, linewidth=1.1, zorder=4))


def local_outlines(
    outlines: geopandas.GeoDataFrame, lat_deg: npt.NDArray[np.float64], lon_deg: npt.NDArray[np.float64]
) -> geopandas.GeoSeries:
    """Return polygons in the frame of `local_km` of the places (N,)."""
    degrees = outlines.geometry if outlines.crs is None else outlines.geometry.to_crs("EPSG:4326")
    origin = frame_origin(lat_deg, lon_deg)
    return geopandas.GeoSeries(transform(degrees.to_numpy(), lambda c: local_km(c[:, 1], c[:, 0], origin)))


def prefix_entries(
    items: Items, codes: npt.NDArray[np.int64], groups: npt.NDArray[np.int64], largest: Mapping[int, str]
) -> list[tuple[str, str]]:
    """Return color and description of each colored group."""
    found = []
    for group, color in largest.items():
        rows = groups == group
        found.append((color, describe_prefix(items.take(rows), prefix_token(codes[rows][0, :2]))))
    return found


def add_legend(figure: Figure, entries: Sequence[tuple[str, str]], title: str) -> None:
    """Name the colored prefixes of one lower panel under all panels."""
    heading = f"{in_figure(title, 40)}, framed part: the largest prefixes by their most frequent region and category"
    legend = figure.legend(
        handles=dot_handles([color for color, _ in entries], [text for _, text in entries]),
        loc="lower left",
        bbox_to_anchor=(0.004, 0.0),
        ncols=legend_columns(2 if figure.get_figwidth() < 3 * PANEL_IN else 3),
        fontsize=8,
        frameon=False,
        title=f"{heading} (places)",
        title_fontsize=8.5,
        alignment="left",
        handletextpad=0.2,
        labelcolor=INK,
    )
    legend.get_title().set_color(SOFT_INK)
