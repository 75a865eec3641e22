"""Where the prefixes of semantic IDs lie in a city, as grid cells: small enough for a page, and without any place."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lgsid.artefacts import Items, SemanticIDs
from lgsid.errors import LgsidError
from lgsid.plots.map_window import city_window, local_km
from lgsid.plots.neighbor_colors import neighbor_colors
from lgsid.plots.palette import CATEGORICAL
from lgsid.plots.prefix_groups import prefix_groups

MAP_FORMAT = 1
SHARED_AT_LEAST = 0.05


def city_map(sids: SemanticIDs, items: Items, cell_m: float = 400.0) -> dict[str, Any]:
    """Count places and prefixes in the cells of a square grid over the bulk of a city.

    No place can be read off the result: it has no name, no item id and no coordinate, and the grid is not tied to the
    globe. A cell says how many places it has and, for each number of codes, which prefix most of them share (the
    first in sorted order of several) and how many that are. Far outliers are left out (`city_window`). Left out, too,
    are numbers of codes at which under `SHARED_AT_LEAST` of the places share their prefix with another: each cell
    would show the code of some single place.

    Args:
        sids: Semantic IDs of at least those items.
        items: The places of one city.
        cell_m: Side of a cell in meters.

    Returns:
        Plain values: `cell_m`; `columns` and `rows` of the grid; `places` inside it and `left_out`; `cells`, C in all,
        row by row from the south and in each from the west: `row_starts` (rows + 1,), the number of the first cell of
        each row, and `column` and `places` (C,); and `depths`, each with `codes` (how many), `prefixes` (how many
        there are), `prefix_codes` (lists of codes), `colours` of those (indices into `plots.palette.CATEGORICAL`),
        `prefix` (C,), an index into both, and `sharing` (C,), how many of the cell's places have that prefix.

    Raises:
        LgsidError: if there are no items, one has no semantic ID, or the cell has no size.
    """
    if not len(items):
        raise LgsidError("map of a city: the items table is empty; a map needs places")
    if not cell_m > 0:
        raise LgsidError(f"map of a city: cell_m is {cell_m:g}; it must be above zero, for example 400")
    items = items.take(np.argsort(items.ids))  # sums of floats, and so the grid, depend on the order
    squares, inside = grid_squares(local_km(items.lat_deg, items.lon_deg), cell_m / 1000)
    cells, member = np.unique(squares, axis=0, return_inverse=True)
    member, rows = member.ravel(), int(cells[:, 0].max()) + 1
    codes = sids.for_items(items)
    depths = [depth for depth in range(1, sids.n_levels + 1) if sharing_share(codes, depth) >= SHARED_AT_LEAST]
    return {
        "format": MAP_FORMAT,
        "cell_m": cell_m,
        "columns": int(cells[:, 1].max()) + 1,
        "rows": rows,
        "places": len(squares),
        "left_out": len(items) - len(squares),
        "cells": {
            "row_starts": np.searchsorted(cells[:, 0], np.arange(rows + 1)).tolist(),
            "column": cells[:, 1].tolist(),
            "places": np.bincount(member).tolist(),
        },
        "depths": [prefix_layer(codes, inside, cells, member, depth) for depth in depths],
    }


def sharing_share(codes: npt.NDArray[np.int64], depth: int) -> float:
    """Return the share of places whose prefix another place has. `codes` has shape (N, L)."""
    groups = prefix_groups(codes, depth)
    return float((np.bincount(groups)[groups] > 1).mean())


def grid_squares(xy_km: npt.NDArray[np.float64], cell_km: float) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Put places (N, 2) into squares.

    Returns:
        Row and column of each place in the window of the city, shape (M, 2), the first occupied ones being 0; and
        which places those are, shape (N,).
    """
    window = city_window(xy_km)
    inside = window.inside(xy_km)
    squares = np.floor((xy_km[inside] - [window.west_km, window.south_km]) / cell_km).astype(np.int64)[:, ::-1]
    return squares - squares.min(axis=0), inside


def prefix_layer(
    codes: npt.NDArray[np.int64],
    inside: npt.NDArray[np.bool_],
    cells: npt.NDArray[np.int64],
    member: npt.NDArray[np.int64],
    depth: int,
) -> dict[str, Any]:
    """Return the most frequent prefix of each cell.

    Args:
        codes: Shape (N, L).
        inside: Which places are on the grid, shape (N,); M of them.
        cells: Row and column of each cell, shape (C, 2).
        member: Cell of each place on the grid, shape (M,).
        depth: Number of codes.
    """
    groups = prefix_groups(codes, depth)
    winners, counts = most_frequent_group(member, groups[inside])
    shown, first, index = np.unique(winners, return_index=True, return_inverse=True)
    rows_of_groups = np.unique(groups, return_index=True)[1]
    colors = neighbor_colors(cells.astype(np.float64), winners, len(CATEGORICAL))
    return {
        "codes": depth,
        "prefixes": len(rows_of_groups),
        "prefix_codes": codes[rows_of_groups[shown], :depth].tolist(),
        "colours": colors[first].tolist(),
        "prefix": index.ravel().tolist(),
        "sharing": counts.tolist(),
    }


def most_frequent_group(
    member: npt.NDArray[np.int64], groups: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the most frequent group of each cell, the smallest of several, and how often it occurs.

    Args:
        member: Cell of each place, shape (M,); every cell 0..C-1 occurs.
        groups: Group of each place, shape (M,).

    Returns:
        Groups of shape (C,) and counts of shape (C,).
    """
    pairs, counts = np.unique(np.stack([member, groups], axis=1), axis=0, return_counts=True)
    order = np.lexsort((pairs[:, 1], -counts, pairs[:, 0]))
    best = order[np.unique(pairs[order, 0], return_index=True)[1]]
    return pairs[best, 1], counts[best]
