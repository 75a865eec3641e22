"""A quality card as tables for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

BESIDE = 5
SHORT = {"category": "category", "category_group": "group", "brand": "brand"}


def render_card(card: Mapping[str, Any]) -> RenderableType:
    """Return what `quality_card` found as text and tables, at most 80 columns wide."""
    parts: list[RenderableType] = [Text(line) for line in summary(card)]
    parts += [Text(), level_table(card["by_level"]), Text(), depth_table(card["by_depth"])]
    if any(row["nmi"] for row in card["by_depth"]):
        parts += [Text(), nmi_table(card["by_depth"])]
    if card.get("neighbourhood"):
        found = "  ".join(f"{name} {number(value)}" for name, value in card["neighbourhood"].items())
        parts += [Text(), Text(f"Neighbours in embedding space: {found}")]
    return Group(*parts)


def summary(card: Mapping[str, Any]) -> list[str]:
    """Return the lines above the tables."""
    sizes = " x ".join(str(size) for size in card["codebook_sizes"])
    lines = [
        f"{card['items']:,} items, {card['levels']} levels ({sizes} codes)",
        f"collisions {percent(card['collision_rate'])} of items, distinct/items {number(card['distinct_share'])},"
        f" largest bucket {card['largest_bucket']}",
    ]
    before = card.get("before_resolution")
    if before:
        lines.append(
            f"  before resolution {percent(before['collision_rate'])}, {number(before['distinct_share'])},"
            f" {before['largest_bucket']}"
        )
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


def card_rows(card: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return the main numbers of a card: what, value, and what to compare it with."""
    before, named, deepest = card.get("before_resolution"), card.get("same_name"), card["by_depth"][-1]
    rows = [
        ("codes per level", " x ".join(str(size) for size in card["codebook_sizes"]), ""),
        ("distinct / items", number(card["distinct_share"]), ""),
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
        rows.append((f"codes used, level {row['level']}", share, f"perplexity {row['perplexity']:.1f}"))
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


def level_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return the table of how much of each codebook is used."""
    table = Table(title="Codes by level", title_justify="left", width=80)
    for heading in ("level", "codes", "used", "perplexity", "entropy"):
        table.add_column(heading, justify="right")
    for row in rows:
        used = f"{row['used']:,}"
        table.add_row(
            str(row["level"]), f"{row['size']:,}", used, f"{row['perplexity']:.1f}", number(row["entropy_normalised"])
        )
    return table


def depth_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return the table of distances inside a prefix, and of branches kept apart."""
    table = Table(title="Inside a prefix: km between items, same-name branches apart", title_justify="left", width=80)
    for heading in ("depth", "prefixes", "largest", "mean", "p50", "p90", "p95", "random p50", "branches"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        near, far, named = row["km"], row["km_random"], row["same_name"]
        km = [f"{near[key]:.1f}" if near else "-" for key in ("mean", "p50", "p90", "p95")]
        apart = percent(named["branches"]) if named else "-"
        at_random = f"{far['p50']:.1f}" if far else "-"
        table.add_row(str(row["depth"]), f"{row['prefixes']:,}", f"{row['largest']:,}", *km, at_random, apart)
    return table


def nmi_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return the table of what prefixes tell of attributes."""
    columns = list(rows[0]["nmi"])
    beside = len(columns) <= BESIDE  # the figure of random groups beside each, where there is room
    title = "Prefix and attribute: mutual information, normalised" + (" (of random groups)" if beside else "")
    table = Table(title=title, title_justify="left", width=80)
    table.add_column("depth", justify="right", no_wrap=True)
    for column in columns:
        table.add_column(SHORT.get(column, column), justify="right")
    for row in rows:
        by_chance = [f" ({row['nmi_random'][column]:.2f})" if beside else "" for column in columns]
        cells = [f"{row['nmi'][column]:.2f}{chance}" for column, chance in zip(columns, by_chance, strict=True)]
        table.add_row(str(row["depth"]), *cells)
    return table


def percent(share: float) -> str:
    """Write a share as a percentage of one decimal."""
    return f"{100 * share:.1f} %"


def number(value: float) -> str:
    """Write a number of the unit interval with three decimals."""
    return f"{value:.3f}"
