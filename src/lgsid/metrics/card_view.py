"""A quality card as tables for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log2
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lgsid.metrics.card import FEW_DISTINCT
from lgsid.metrics.card_declarations import adjusted

ATTRIBUTES_PER_TABLE = 6
MARK = f"fewer distinct semantic IDs than {100 * FEW_DISTINCT:.0f} % of the items before resolution"
SHORT = {"category": "category", "category_group": "group", "brand": "brand"}


def render_card(card: Mapping[str, Any]) -> RenderableType:
    """Return what `quality_card` found as text and tables, at most 80 columns wide."""
    parts: list[RenderableType] = [Text(line) for line in summary(card)]
    parts += [Text(), level_table(card["by_level"]), Text(), depth_table(card["by_depth"])]
    if any(row["nmi"] for row in card["by_depth"]):
        parts += [part for table in information_tables(card) for part in (Text(), table)]
    if card.get("next_visits"):
        parts += [Text(), next_visit_table(card)]
    if card.get("neighbourhood"):
        parts += [Text(), Text(neighbors_line(card))]
    if card.get("left_out"):
        parts += [Text(), Text(f"Not judged: {card['left_out']}")]
    return Group(*parts)


def summary(card: Mapping[str, Any]) -> list[str]:
    """Return the lines above the tables."""
    sizes = " x ".join(str(size) for size in card["codebook_sizes"])
    lines = [
        f"{card['items']:,} items, {card['levels']} levels ({sizes} codes)",
        f"collisions {percent(card['collision_rate'])} of items, distinct/items {number(card['distinct_share'])},"
        f" largest bucket {card['largest_bucket']:,}",
    ]
    if "colliding_items" in card:
        lines.append(f"  {card['colliding_items']:,} colliding items in {card['colliding_groups']:,} groups")
    before = card.get("before_resolution")
    if before:
        lines.append(
            f"  before resolution {percent(before['collision_rate'])}, {number(before['distinct_share'])},"
            f" {before['largest_bucket']:,}"
        )
    if card.get("few_distinct"):
        lines.append(f"  ! {MARK}")
    lines.append(
        f"joint entropy {card['joint_entropy_bits']:.2f} bits, {percent(card['joint_entropy_normalised'])} of the most"
        " possible"
    )
    if card.get("reconstruction_error") is not None:
        lines.append(f"reconstruction error {percent(card['reconstruction_error'])} of variance")
    named = card.get("same_name")
    if named:
        lines.append(f"{named['names']:,} names are shared by {named['items']:,} items (branches)")
    return lines


def neighbors_line(card: Mapping[str, Any]) -> str:
    """Return the line on the neighbors of the vectors, with intervals where the items were sampled."""
    sample = card.get("neighbourhood_sample")
    shown = {name: number(value) for name, value in card["neighbourhood"].items()}
    if not sample:
        return f"Neighbors in embedding space: {'  '.join(f'{name} {value}' for name, value in shown.items())}"
    for name, (low, high) in sample["interval_95"].items():
        shown[name] += f" ({number(low)}-{number(high)})"
    of = f"of {sample['queries']:,} random items (95 % intervals) among all"
    return f"Neighbors in embedding space, {of}: {'  '.join(f'{name} {value}' for name, value in shown.items())}"


def card_rows(card: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return the main numbers of a card: what, value, and what to compare it with."""
    before, named, deepest = card.get("before_resolution"), card.get("same_name"), card["by_depth"][-1]
    rows = [
        ("codes per level", " x ".join(str(size) for size in card["codebook_sizes"]), ""),
        ("distinct / items", number(card["distinct_share"]), f"! {MARK}" if card.get("few_distinct") else ""),
        (
            "collisions",
            percent(card["collision_rate"]),
            f"{percent(before['collision_rate'])} before resolution" if before else "",
        ),
        (
            "joint entropy",
            f"{card['joint_entropy_bits']:.2f} bits",
            f"{percent(card['joint_entropy_normalised'])} of the most",
        ),
    ]
    for row in card["by_level"]:
        share = f"{row['used']:,} of {row['size']:,}"
        bits = f"{log2(row['perplexity']):.1f} of {log2(row['size']):.1f} bits"
        rows.append((f"codes used, level {row['level']}", share, f"perplexity {row['perplexity']:.1f}, {bits}"))
    rows += [
        (
            f"km, {row['depth']} code{'s'[: row['depth'] - 1]}",
            f"{row['km']['p50']:.2f}",
            f"random {row['km_random']['p50']:.1f}",
        )
        for row in card["by_depth"]
        if row["km"]
    ]
    if named and deepest["same_name"]:
        apart = percent(deepest["same_name"]["branches"])
        rows.append(("branches told apart", apart, f"{named['items']:,} places of {named['names']:,} names"))
    if card.get("reconstruction_error") is not None:
        rows.append(("reconstruction error", percent(card["reconstruction_error"]), "of variance"))
    return rows


def level_table(rows: Sequence[Mapping[str, Any]]) -> RenderableType:
    """Return the table of how much of each codebook is used."""
    cells = [
        (
            str(row["level"]),
            f"{row['size']:,}",
            f"{row['used']:,}",
            f"{row['perplexity']:,.1f}",
            f"{log2(row['perplexity']):.2f}",
            f"{log2(row['size']):.2f}",
            number(row["entropy_normalised"]),
        )
        for row in rows
    ]
    title = "Codes by level; bits: entropy of the codes, and the most they can hold"
    return narrow_table(title, ("level", "codes", "used", "perplexity", "bits", "most", "entropy"), cells)


def depth_table(rows: Sequence[Mapping[str, Any]]) -> RenderableType:
    """Return the table of the groups of items that share a prefix: their sizes, distances, and branches kept apart."""
    with_km = any(row["km"] for row in rows)
    with_names = any(row["same_name"] for row in rows)
    told = ["km between items"] * with_km + ["same-name branches apart"] * with_names
    headings = ["depth", "prefixes", "largest"]
    headings += ["mean", "p50", "p90", "p95", "random p50"] * with_km + ["branches"] * with_names
    table = []
    for row in rows:
        near, far, named = row["km"], row["km_random"], row["same_name"]
        cells = [str(row["depth"]), f"{row['prefixes']:,}", f"{row['largest']:,}"]
        if with_km:
            cells += [kilometers(near[key]) if near else "-" for key in ("mean", "p50", "p90", "p95")]
            cells.append(kilometers(far["p50"]) if far else "-")
        if with_names:
            cells.append(percent(named["branches"]) if named else "-")
        table.append(cells)
    return narrow_table("Items that share a prefix" + (f": {', '.join(told)}" if told else ""), headings, table)


def information_tables(card: Mapping[str, Any]) -> list[RenderableType]:
    """Return the tables of what prefixes tell of attributes, with as many attributes in each as 80 columns hold."""
    attributes, tables = list(card["by_depth"][0]["nmi"]), []
    title = "Adjusted mutual information of prefix and attribute: 0 by chance, 1 if equal"
    for start in range(0, len(attributes), ATTRIBUTES_PER_TABLE):
        columns = attributes[start : start + ATTRIBUTES_PER_TABLE]
        table = [
            [str(row["depth"]), *(number(adjusted(row["depth"], column)(card)) for column in columns)]
            for row in card["by_depth"]
        ]
        tables.append(narrow_table(title, ["depth", *(SHORT.get(column, column) for column in columns)], table))
    return tables


def next_visit_table(card: Mapping[str, Any]) -> RenderableType:
    """Return the table of how many next visits stay within a prefix."""
    cells = []
    for row in card["by_depth"]:
        found = row["next_visit"]
        lift = "-" if found["lift"] is None else f"{found['lift']:,.1f}"
        cells.append([str(row["depth"]), percent(found["share"]), f"{100 * found['share_random']:.3f} %", lift])
    title = f"Visits to new places that share a prefix with the place before, of {card['next_visits']:,}"
    return narrow_table(title, ("depth", "share", "random", "lift"), cells)


def narrow_table(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> RenderableType:
    """Return a title over a table with little space between its columns; headings may wrap, values are never cut.

    A column without a heading holds names.
    """
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False)
    for column, heading in enumerate(headings):
        width = max(len(word) for word in (*heading.split(), *(row[column] for row in rows)))
        table.add_column(heading, justify="right" if heading else "left", min_width=width)
    for row in rows:
        table.add_row(*row)
    return Group(Text(title, style="italic"), table)


def kilometers(value: float) -> str:
    """Write a distance with one decimal, and with none from 1,000 km."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.1f}"


def percent(share: float) -> str:
    """Write a share as a percentage of one decimal."""
    return f"{100 * share:.1f} %"


def number(value: float | None) -> str:
    """Write a number of the unit interval with three decimals, "?" where there is none."""
    return "?" if value is None else f"{value:.3f}"
