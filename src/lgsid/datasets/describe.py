"""Describe a dataset on the terminal."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from lgsid.artefacts import Dataset
from lgsid.escaping import one_line

EXAMPLES, WIDTH = 6, 80
PRIVATE = "(private)"  # in the category of people's homes, which are never shown


def describe_dataset(dataset: Dataset) -> Group:
    """Describe a dataset in 80 columns: preparation log, sizes, splits, regions, attributes, example places.

    Rows of users and private homes are never shown.
    """
    parts = [
        Text(_sizes(dataset), style="bold"),
        Text(_density(dataset)) if len(dataset.interactions) else None,
        _preparation_log(dataset),
        _splits(dataset) if len(dataset.interactions) else None,
        _regions(dataset),
        _attributes(dataset),
        _examples(dataset),
    ]
    return Group(*[part for part in parts if part is not None])


def _sizes(dataset: Dataset) -> str:
    counts = f"{len(dataset.items):,} places, {len(dataset.interactions):,} check-ins, {len(dataset.user_ids):,} users"
    return f"{dataset.report.get('name', 'dataset')}: {counts}"


def _density(dataset: Dataset) -> str:
    per_user = int(np.median(np.bincount(dataset.user_rows)))
    per_item = int(np.median(np.bincount(dataset.item_rows, minlength=len(dataset.items))))
    frame = dataset.interactions.frame
    revisits = float(frame.duplicated(["user_id", "item_id"]).mean())
    return f"Median check-ins: {per_user:,} a user, {per_item:,} a place; {revisits:.0%} are revisits."


def _table(title: str, *columns: tuple[str, Literal["left", "right"], int]) -> Table:
    """Make a table of columns given by heading, alignment and width; width 0 takes the rest."""
    table = Table(title=title, box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), width=WIDTH)
    table.title_justify, table.title_style = "left", "bold"
    for heading, side, width in columns:
        sizes: dict[str, int] = {"width": width} if width else {"ratio": 1}
        table.add_column(heading, justify=side, no_wrap=True, overflow="ellipsis", **sizes)  # type: ignore[arg-type]
    return table


def _preparation_log(dataset: Dataset) -> Table | None:
    entries: list[dict[str, Any]] = list(dataset.report.get("notes", []))
    if not entries:
        return None
    table = _table(
        "What was read, dropped and set",
        ("", "left", 8),
        ("rows", "right", 9),
        ("", "left", 15),
        ("from, or why", "left", 0),
    )
    table.columns[-1].no_wrap = False
    for entry in entries:
        table.add_row(entry["action"], f"{entry['count']:,}", entry["what"], Text(entry["why"]))
    return table


def _splits(dataset: Dataset) -> Table:
    frame = dataset.interactions.frame
    seen = frame[frame["split"] == "train"]
    users, items = set(seen["user_id"]), set(seen["item_id"])
    table = _table(
        f"Split: {dataset.report.get('split_class', dataset.report.get('split', '?'))} (in brackets: not in train)",
        ("", "left", 5),
        ("check-ins", "right", 9),
        ("users", "right", 15),
        ("places", "right", 15),
        ("from", "left", 10),
        ("to", "left", 0),
    )
    for split in ("train", "val", "test"):
        rows = frame[frame["split"] == split]
        counts = [_with_new(set(rows[c]), known) for c, known in (("user_id", users), ("item_id", items))]
        span = [f"{t:%Y-%m-%d}" for t in (rows["time"].min(), rows["time"].max())]
        table.add_row(split, f"{len(rows):,}", *counts, *span)
    return table


def _with_new(found: set[Any], known: set[Any]) -> str:
    new = len(found - known)
    return f"{len(found):,} ({new:,})" if new else f"{len(found):,}"


def _regions(dataset: Dataset) -> Table | None:
    joins: list[dict[str, Any]] = list(dataset.report.get("region_join", []))
    if not joins:
        return None
    table = _table(
        "Regions, coarse to fine",
        ("level", "left", 18),
        ("regions", "right", 7),
        ("inside", "right", 6),
        ("nearest (up to)", "right", 15),
        ("as above", "right", 8),
        ("none", "right", 5),
        ("largest", "left", 0),
    )
    for column, join in zip(dataset.items.region_columns, joins, strict=True):
        names = dataset.items.frame[column]
        counts = names[names != ""].value_counts()
        largest = f"{counts.index[0]} ({counts.iloc[0]:,})" if len(counts) else ""
        nearest = f"{join.get('nearest', 0):,}"
        if join.get("nearest"):
            nearest += f" ({join['farthest_m']:,.0f} m)"
        row = [join["name"], f"{join['regions']:,}", f"{join.get('within', len(names)):,}", nearest]
        table.add_row(*row, f"{join.get('named_after_parent', 0):,}", f"{(names == '').sum():,}", largest)
    return table


def _attributes(dataset: Dataset) -> Table:
    table = _table(
        "Attributes of places",
        ("", "left", 14),
        ("values", "right", 6),
        ("filled", "right", 6),
        ("most frequent", "left", 0),
    )
    for column in ("name", "category", "category_group", "brand"):
        values = dataset.items.frame[column]
        counts = values[values != ""].value_counts()
        top = ", ".join(f"{name} ({n:,})" for name, n in list(counts.items())[:3])
        table.add_row(column, f"{len(counts):,}", f"{counts.sum() / len(values):.1%}", Text(top))
    return table


def _examples(dataset: Dataset) -> Table:
    items = dataset.items
    finest = items.region_columns[-1] if items.region_columns else None
    table = _table(
        f"Some of the places{f' ({dataset.region_names[-1]} last)' if finest else ''}",
        ("name", "left", 22),
        ("category", "left", 16),
        ("brand", "left", 9),
        ("lat, lon", "left", 15),
        ("region", "left", 0),
    )
    public = ~items.frame["category"].str.contains(PRIVATE, regex=False).to_numpy(dtype=bool)
    named = public & (items.texts("name") != "")
    rows = np.flatnonzero(named if named.any() else public)
    for row in rows[:: max(len(rows) // EXAMPLES, 1)][:EXAMPLES]:
        place = items.frame.iloc[int(row)]
        texts = [str(place[c]) or "-" for c in ("name", "category", "brand")]
        where = f"{place['lat']:.3f}, {place['lon']:.3f}"
        table.add_row(*[Text(one_line(t)) for t in (*texts, where, str(place[finest]) if finest else "-")])
    return table
