"""The places of a city and their semantic IDs, column by column: what the page draws and searches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from lgsid.artefacts.items import Items
from lgsid.artefacts.semantic_ids import SemanticIDs
from lgsid.plots.map_window import city_window, frame_origin, local_km
from lgsid.plots.neighbor_colors import neighbor_colors
from lgsid.plots.palette import CATEGORICAL

SHARE = 0.99  # of the places that the map shows at first
DIGITS = 6  # of degrees: a tenth of a meter


def place_table(items: Items, sids: Mapping[str, SemanticIDs]) -> dict[str, Any]:
    """Return the places and their codes as plain values.

    Args:
        items: The places, N in all.
        sids: Sets of semantic IDs by name. An item that a set does not have gets no codes there.

    Returns:
        `id`, `name`, `lat`, `lon` (degrees, None where unknown), each of length N; `category`, `group` and one entry of
        `regions` for each region level, each as `names` and `code`, the index of every place's name; `bounds`, west,
        south, east and north of the bulk of the places, None where no place has a position; `palette`; and `sids`, for
        each set its `name`, `sizes`, `codes` by level (None in place of a code where an item has none) and `colors`,
        for each first code an index into the palette. First codes beside each other on the map differ in color, as in
        the figures of a report.
    """
    return {
        "id": items.ids.tolist(),
        "name": items.texts("name").tolist(),
        "lat": degrees(items.lat_deg),
        "lon": degrees(items.lon_deg),
        "category": numbered(items, "category"),
        "group": numbered(items, "category_group"),
        "regions": [numbered(items, column) for column in items.region_columns],
        "bounds": bounds(items),
        "palette": list(CATEGORICAL),
        "sids": [{"name": name, **code_columns(items, found)} for name, found in sids.items()],
    }


def degrees(values: npt.NDArray[np.float64]) -> list[float | None]:
    """Return coordinates (N,) rounded to `DIGITS` digits, None for those that are unknown."""
    return [round(value, DIGITS) if value == value else None for value in values.tolist()]


def numbered(items: Items, column: str) -> dict[str, Any]:
    """Return the different texts of a column, and which of them each item has."""
    code, names = items.codes(column)
    return {"names": names, "code": code.tolist()}


def bounds(items: Items) -> list[float] | None:
    """Return west, south, east and north of the bulk of the places in degrees, None where none has a position."""
    lat, lon = items.lat_deg[items.located], items.lon_deg[items.located]
    if not len(lat):
        return None
    origin = frame_origin(lat, lon)
    xy_km = local_km(lat, lon, origin)
    inside = city_window(xy_km, SHARE).inside(xy_km)
    east = (lon[inside] - origin[1] + 180) % 360 - 180 + origin[1]
    corners = (east.min(), lat[inside].min(), east.max(), lat[inside].max())
    return [round(float(corner), DIGITS) for corner in corners]


def code_columns(items: Items, sids: SemanticIDs) -> dict[str, Any]:
    """Return the codes of the items in one set of semantic IDs, and the colors of its first codes."""
    order = {str(item): row for row, item in enumerate(sids.item_ids)}
    rows = np.fromiter((order.get(str(item), -1) for item in items.ids), np.int64, len(items))
    codes = np.where(rows[:, None] < 0, -1, sids.codes[rows])
    columns = [[code if code >= 0 else None for code in level] for level in codes.T.tolist()]
    return {"sizes": list(sids.codebook_sizes), "codes": columns, "colors": first_code_colors(items, codes[:, 0], sids)}


def first_code_colors(items: Items, first: npt.NDArray[np.int64], sids: SemanticIDs) -> list[int]:
    """Return an index into the palette for each first code; codes that no place on the map has take them in turn.

    Args:
        items: The places, N in all.
        first: First code of each place, -1 where it has none, shape (N,).
        sids: The set of semantic IDs.
    """
    colors = np.arange(sids.codebook_sizes[0]) % len(CATEGORICAL)
    shown = items.located & (first >= 0)
    if shown.any():
        xy_km = local_km(items.lat_deg[shown], items.lon_deg[shown])
        colors[first[shown]] = neighbor_colors(xy_km, first[shown], len(CATEGORICAL))
    return [int(color) for color in colors]
