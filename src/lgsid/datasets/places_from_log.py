"""Build the table of places from a log that repeats their attributes in every row."""

from __future__ import annotations

import pandas as pd

from lgsid.artefacts.coordinates import missing_coordinates
from lgsid.datasets.preparation_log import LogEntry


def places_from_log(table: pd.DataFrame, item: str, category: str) -> tuple[pd.DataFrame, pd.Series, list[LogEntry]]:
    """Return the places of a log, each with its most frequent pair of coordinates and its most frequent category.

    Ties are broken by the earlier row. Missing coordinates are used only if a place has no others.

    Args:
        table: The log; columns `lat` and `lon` (float64), `item` and `category`.
        item: Column of the item id.
        category: Column of the category.

    Returns:
        The places with columns `item_id, name (empty), category, lat, lon` in the order of their first row, the 1-based
        data row of the chosen coordinates, and log entries on places that had several pairs or categories.
    """
    log = pd.DataFrame(
        {
            "item_id": table[item].to_numpy(),
            "category": table[category].to_numpy(),
            "lat": table["lat"].to_numpy(),
            "lon": table["lon"].to_numpy(),
            "row": range(1, len(table) + 1),
        }
    )
    log["missing"] = missing_coordinates(log["lat"], log["lon"])
    pairs = _ranked(log, ["lat", "lon"])
    kinds = _ranked(log, ["category"])
    order = log["item_id"].drop_duplicates()
    places = pairs.drop_duplicates("item_id").set_index("item_id").loc[order]
    category_of = kinds.drop_duplicates("item_id").set_index("item_id")["category"].loc[order]
    items = pd.DataFrame(
        {
            "item_id": order.to_numpy(),
            "name": "",
            "category": category_of.to_numpy(),
            "lat": places["lat"].to_numpy(),
            "lon": places["lon"].to_numpy(),
        }
    )
    entries = []
    for ranked, what in ((pairs, "coordinates"), (kinds, "category")):
        several = int((ranked.groupby("item_id").size() > 1).sum())
        if several:
            entries.append(LogEntry("set", what, several, f"places had several: took the most frequent {what}"))
    return items, places["row"].reset_index(drop=True), entries


def _ranked(log: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Count the values of each place, the most frequent first."""
    counts = log.groupby(["item_id", *columns], as_index=False, sort=False, dropna=False).agg(
        n=("row", "size"), row=("row", "min"), missing=("missing", "first")
    )
    return counts.sort_values(["missing", "n", "row"], ascending=[True, False, True], kind="stable")
