"""Tell what a dataset holds and how it came about."""

from __future__ import annotations

from typing import Any

import numpy as np
from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from lgsid.artefacts import Dataset

EXAMPLES = 6


def describe_dataset(dataset: Dataset) -> Group:
    """Describe a dataset in at most 80 columns: read, dropped and why, sizes, regions, brands, example places.

    Rows of users are never shown.
    """
    parts = [
        Text(f"{dataset.report.get('name', 'dataset')}: {_sizes(dataset)}", style="bold"),
        _notes(dataset),
        _splits(dataset),
        _regions(dataset),
        _attributes(dataset),
        _examples(dataset),
    ]
    return Group(*[p for p in parts if p is not None])


def _sizes(dataset: Dataset) -> str:
    log = dataset.interactions
    return f"{len(dataset.items):,} places, {len(log):,} check-ins, {len(dataset.user_ids):,} users"


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, width=80, pad_edge=False, title_style="bold")
    for i, column in enumerate(columns):
        name, _, right = column.partition(">")
        last = i == len(columns) - 1
        table.add_column(name, justify="right" if right == "" and column.endswith(">") else "left", ratio=1 if last else None)
    return table


def _notes(dataset: Dataset) -> Table | None:
    notes: list[dict[str, Any]] = list(dataset.report.get("notes", []))
    if not notes:
        return None
    table = _table("What was read, dropped and set", "what happened", "rows>", "", "where from, or why")
    for note in notes:
        table.add_row(note["action"], f"{note['count']:,}", note["what"], Text(note["why"], overflow="fold"))
    return table


def _splits(dataset: Dataset) -> Table:
    frame = dataset.interactions.frame
    seen = frame.loc[frame["split"] == "train"]
    users, items = set(seen["user_id"]), set(seen["item_id"])
    name = dataset.report.get("split_class", dataset.report.get("split", "split"))
    table = _table(
        f"Split: {name}", "split", "check-ins>", "users>", "places>", "new users>", "new places>", "from", "to"
    )
    for split, rows in frame.groupby("split", sort=False):
        u, i = set(rows["user_id"]), set(rows["item_id"])
        span = [f"{t:%Y-%m-%d}" for t in (rows["time"].min(), rows["time"].max())]
        table.add_row(str(split), *[f"{n:,}" for n in (len(rows), len(u), len(i), len(u - users), len(i - items))], *span)
    return table


def _regions(dataset: Dataset) -> Table | None:
    joins: list[dict[str, Any]] = list(dataset.report.get("region_join", []))
    if not joins:
        return None
    table = _table(
        "Regions, coarse to fine", "level", "regions>", "inside>", "nearest>", "farthest>", "as parent>", "none>", "largest"
    )
    for column, join in zip(dataset.items.region_columns, joins, strict=True):
        names = dataset.items.frame[column]
        counts = names[names != ""].value_counts()
        largest = f"{counts.index[0]} ({counts.iloc[0]:,})" if len(counts) else ""
        numbers = [f"{join[k]:,}" if k in join else "-" for k in ("within", "nearest")]
        far = f"{join['farthest_m']:,.0f} m" if join.get("farthest_m") else "-"
        parent = f"{join['named_after_parent']:,}" if "named_after_parent" in join else "-"
        table.add_row(join["name"], f"{join['regions']:,}", *numbers, far, parent, f"{(names == '').sum():,}", largest)
    return table


def _attributes(dataset: Dataset) -> Table:
    table = _table("Attributes of places", "attribute", "values>", "filled>", "most frequent")
    for column in ("name", "category", "category_group", "brand"):
        values = dataset.items.frame[column]
        counts = values[values != ""].value_counts()
        top = ", ".join(f"{name} ({n:,})" for name, n in list(counts.items())[:3])
        share = f"{counts.sum() / max(len(values), 1):.1%}"
        table.add_row(column, f"{len(counts):,}", share, Text(top, overflow="ellipsis", no_wrap=True))
    return table


def _examples(dataset: Dataset) -> Table:
    items = dataset.items
    order = np.argsort(items.texts("name") == "", kind="stable")  # named places first
    step = max(int((items.texts("name") != "").sum()) // EXAMPLES, 1)
    rows = order[::step][:EXAMPLES]
    table = _table("Some places", "name", "category", "brand", "lat, lon", "region")
    finest = items.region_columns[-1] if items.region_columns else None
    for row in rows:
        place = items.frame.iloc[int(row)]
        texts = [str(place[c]) or "-" for c in ("name", "category", "brand")]
        region = str(place[finest]) if finest else "-"
        where = f"{place['lat']:.4f}, {place['lon']:.4f}"
        cells = [Text(t, overflow="ellipsis", no_wrap=True) for t in (*texts, where, region)]
        table.add_row(*cells)
    return table
